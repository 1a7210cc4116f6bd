"""Speaking styles: statistics of head, eyes, brows and lids.

Numbers without a source are chosen so that the generator meets the bands of `evaluate head`.
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
    """Statistics of a face's motion besides speech."""

    pose_degrees: Angles
    """standard deviations of the poses held from phrase to phrase"""
    pose_memory: float
    """correlation of two successive poses"""
    transition_seconds: tuple[float, float]
    """shortest and longest transition between poses"""
    lead_seconds: tuple[float, float]
    """by which the head starts before the voice"""
    leading: float
    """share of phrases where it does: more than 0.7 (Graf et al. 2002)"""
    unit_seconds: float
    """shortest hold of a pose within a phrase; intonation units follow one another every 1.6 s in
    48 languages"""
    pitch_gain: Angles
    """degrees of head rotation per semitone of the voice, up with a higher one; the sideways gains
    are drawn for every phrase"""
    wander_degrees: Angles
    """standard deviations of the drift that follows neither voice nor pose"""
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
    """mean duration of looks at the listener; 3.1 in talk (Lee, Badler, Badler 2002)"""
    away_seconds: float
    """mean duration of looks elsewhere; 0.93 in talk (Lee, Badler, Badler 2002)"""


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
    style: StyleParams,
    head: float = 1.0,
    brows: float = 1.0,
    blinks: float = 1.0,
    away: float = 1.0,
) -> StyleParams:
    """A style with the motion of the head, the rates of brow raises and of blinks, and the duration
    of looks elsewhere scaled."""

    def times(angles: Angles) -> Angles:
        return (head * angles[0], head * angles[1], head * angles[2])

    return replace(
        style,
        pose_degrees=times(style.pose_degrees),
        pitch_gain=times(style.pitch_gain),
        wander_degrees=times(style.wander_degrees),
        nod_degrees=(head * style.nod_degrees[0], head * style.nod_degrees[1]),
        brows_a_minute=brows * style.brows_a_minute,
        blinks_a_minute=blinks * style.blinks_a_minute,
        away_seconds=away * style.away_seconds,
    )
