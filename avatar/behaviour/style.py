"""How somebody moves head, eyes, brows and lids while speaking, in numbers.

Where a number names no source, it is a choice of ours, made so that the generator meets the bands
of `evaluate head`.
"""

from dataclasses import dataclass, replace
from typing import Literal

Style = Literal["reader", "speaker", "lively"]
Angles = tuple[float, float, float]
"""Degrees of yaw, pitch and roll."""

CORRELATIONS = ((1.0, 0.28, 0.59), (0.28, 1.0, 0.24), (0.59, 0.24, 1.0))
"""Of yaw, pitch and roll: absolute values, medians of 11 films of six people in free or public
speech whose heads were tracked. Their signs differ from person to person."""


@dataclass(frozen=True)
class StyleParams:
    """Statistics of what a face does besides speaking."""

    pose_degrees: Angles
    """standard deviations of the poses that are held from phrase to phrase"""
    pose_memory: float
    """correlation of two successive poses"""
    transition_seconds: tuple[float, float]
    """shortest and longest way from one pose to the next"""
    lead_seconds: tuple[float, float]
    """by which a head sets out before the voice"""
    leading: float
    """share of phrases before which it does: more than 0.7 (Graf et al. 2002)"""
    unit_seconds: float
    """for which a pose is held at least within a phrase; intonation units follow one another every
    1.6 s in 48 languages"""
    pitch_gain: Angles
    """degrees that a head turns with a semitone of the voice, up with a higher one; the sideways
    parts are drawn anew for every phrase"""
    wander_degrees: Angles
    """standard deviations of what is neither the voice's nor a pose"""
    nodding: float
    """share of prominent accents with a nod, an overshooting nod or a swing (Graf et al. 2002)"""
    nod_degrees: tuple[float, float]
    """least and largest; about 2.5 in news reading (Graf et al. 2002)"""
    nod_seconds: tuple[float, float]
    """shortest and longest; two to four phones (Graf et al. 2002)"""
    brows_a_minute: float
    """brow raises"""
    brow_weight: float
    """of the outer brows in a raise, on average"""
    blinks_a_minute: float
    """rest 17, conversation 26, reading 4.5 (Bentivoglio et al. 1997)"""
    blinks_at_ends: float
    """how much more likely a blink is about the end of a phrase (Nakano, Kitazawa 2010), so that
    about half of all fall there"""
    looking_seconds: float
    """for which eyes stay with the listener, on average; 3.1 in talk (Lee, Badler, Badler 2002)"""
    away_seconds: float
    """for which they look elsewhere; 0.93 in talk (Lee, Badler, Badler 2002)"""


SPEAKER = StyleParams(
    pose_degrees=(2.4, 1.3, 2.0),
    pose_memory=0.4,
    transition_seconds=(0.4, 0.8),
    lead_seconds=(0.1, 0.4),
    leading=0.95,
    unit_seconds=1.6,
    pitch_gain=(0.64, 0.55, 0.53),
    wander_degrees=(0.52, 0.32, 0.45),
    nodding=0.85,
    nod_degrees=(1.8, 3.2),
    nod_seconds=(0.15, 0.4),
    brows_a_minute=6.0,
    brow_weight=0.4,
    blinks_a_minute=22.0,
    blinks_at_ends=22.0,
    looking_seconds=3.1,
    away_seconds=0.93,
)
READER = replace(
    SPEAKER,
    pose_degrees=(0.9, 1.5, 0.7),
    pitch_gain=(0.19, 0.56, 0.17),
    wander_degrees=(0.26, 0.38, 0.22),
    nodding=0.8,
    nod_degrees=(1.5, 3.5),
    brows_a_minute=6.0,
    brow_weight=0.3,
    blinks_a_minute=11.0,
    blinks_at_ends=20.0,
    looking_seconds=12.0,
    away_seconds=0.6,
)
LIVELY = replace(
    SPEAKER,
    pose_degrees=(3.4, 2.2, 2.6),
    pitch_gain=(0.75, 0.68, 0.6),
    wander_degrees=(0.8, 0.6, 0.65),
    nodding=0.9,
    brows_a_minute=9.0,
    brow_weight=0.55,
    blinks_a_minute=28.0,
)
STYLES: dict[Style, StyleParams] = {"reader": READER, "speaker": SPEAKER, "lively": LIVELY}


def scaled(
    manner: StyleParams,
    head: float = 1.0,
    brows: float = 1.0,
    blinks: float = 1.0,
    away: float = 1.0,
) -> StyleParams:
    """A manner with `head` times as large motion of the head, `brows` times as many raises of the
    brows, `blinks` times as many blinks, and eyes that are elsewhere `away` times as long."""

    def times(angles: Angles) -> Angles:
        return (head * angles[0], head * angles[1], head * angles[2])

    return replace(
        manner,
        pose_degrees=times(manner.pose_degrees),
        pitch_gain=times(manner.pitch_gain),
        wander_degrees=times(manner.wander_degrees),
        nod_degrees=(head * manner.nod_degrees[0], head * manner.nod_degrees[1]),
        brows_a_minute=brows * manner.brows_a_minute,
        blinks_a_minute=blinks * manner.blinks_a_minute,
        away_seconds=away * manner.away_seconds,
    )
