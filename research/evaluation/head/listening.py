"""Figures of a face while it listens to another's voice."""

import numpy as np

from audio2mesh.prosody.record import Prosody
from avatar.geometry.vectors import Bools, Floats
from research.evaluation.head import events, voice

ONE_NOD = 0.55  # seconds between two dips of one nod, at most
AFTER_END = (0.0, 1.2)  # seconds from a phrase's end in which a nod's start answers it
BLINKS_AFTER = (0.1, 0.8)  # the same of a blink


def listening_figures(
    fps: float, head: Floats, blink: Floats, look: Floats, heard: Prosody
) -> dict[str, float]:
    """The figures of rows that begin with `listen`, of motion that answers a voice.

    head [F, 3], look [F, 2]: degrees; blink [F]: weights.
    """
    spoken = voice.speaking_frames(heard, len(head), fps)
    ends = np.array([phrase.end for phrase in heard.phrases])
    starts = nod_starts(head[:, 1], fps)
    apart = starts[:, None] - ends[None]  # [nods, ends]
    answers = (apart >= AFTER_END[0]) & (apart <= AFTER_END[1])
    blinks = events.blink_times(blink, fps).tolist()
    random_times = np.random.default_rng(0).uniform(0, len(head) / fps, 400)
    return {
        "listen_nods": 60 * len(starts) / max(float(spoken.sum()) / fps, 1e-9),
        "listen_ends": _mean(answers.any(1)),
        "listen_random": _mean(voice.near_any(random_times, ends, AFTER_END)),
        "listen_response": float(np.median(apart[answers])) if answers.any() else float("nan"),
        "listen_looking": _looking(look, spoken),
        "listen_blinks": voice.share_near(ends, blinks, (-BLINKS_AFTER[1], -BLINKS_AFTER[0])),
    }


def nod_starts(pitch: Floats, fps: float) -> Floats:
    """Seconds [n] at which nods begin in a head's pitch [F], repeated ones counted once."""
    dips = voice.nods(pitch, fps)
    first = np.diff(dips.times, prepend=-9.0) > ONE_NOD
    return (dips.times - dips.seconds / 2)[first]


def _looking(look: Floats, spoken: Bools) -> float:
    away = np.hypot(*(look - np.median(look, axis=0)).T) > events.AWAY_DEGREES
    return _mean(np.asarray(~away)[spoken])


def _mean(values: Bools | np.bool_) -> float:
    return float(np.mean(values)) if np.size(values) else float("nan")
