"""Whose heads are measured."""

from dataclasses import dataclass
from pathlib import Path

from avatar.behaviour.style import Style
from common.assets import DEMO_VOICE


@dataclass(frozen=True)
class HeadEvaluationOptions:
    """Measure how heads, eyes, brows and lids move while somebody speaks: those that driving makes
    for recordings, recorded performances, and tracks of real heads."""

    audio: tuple[Path, ...] = (DEMO_VOICE,)
    """Recordings that are spoken in every style; the table has the medians over them. None: name
    none after --audio."""
    style: tuple[Style, ...] = ("speaker", "reader")
    """Styles in which they are."""
    head_weights: Path | None = None
    """Weights of train pose: also measure the head as they move it, beside the bands of people who
    speak freely."""
    live: bool = False
    """As live speech makes it, from 0.4 s, in place of whole recordings."""
    motion: tuple[Path, ...] = ()
    """Recorded performances: Live Link Face .csv, or .npz as drive --save-motion writes."""
    sound: tuple[Path, ...] = ()
    """What is said in each of --motion, in the same order, or nothing for none."""
    poses: tuple[Path, ...] = ()
    """Tracked heads: .npz of fps and an array [F, 3] of degrees whose name begins with
    pitch_yaw_roll or yaw_pitch_roll."""
    report: Path | None = None
    """Also write the figures, of each recording too, to this .json."""
    plots: Path | None = None
    """Also write one picture for each performance with a voice to this folder: pitch, yaw and roll,
    eyes, brows and blinks over the sound."""
