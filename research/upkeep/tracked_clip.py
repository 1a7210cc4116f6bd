"""A tracked film as a clip that speech-to-motion weights learn from and are measured on."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from avatar.tracking.spoken import RATE, spoken_take
from common.arrays import write_arrays
from common.wav_files import write_wav

Labels = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Sound [S] at 16 kHz → further arrays of the clip, such as its phones."""


def write_clip(tracked: Path, out: Path, labels: Labels) -> float:
    """Write the `<id>.npz` `out` and its `<id>.wav` from a folder of `track`; returns seconds.

    The motion is what jaw, lips and tongue add to the person's face at rest, as weights, and how
    the head turns (`head`, degrees of yaw, pitch and roll). The speaking style is named after the
    clip. Raises as `spoken_take` does.
    """
    take = spoken_take(tracked)
    found = labels(take.sound)
    write_wav(out.with_suffix(".wav"), take.sound, RATE)
    arrays = {
        "fps": np.array(take.fps),
        "sync_lag_ms": np.array(1000 * take.lag, np.float32),
        "head": np.degrees(take.head.numpy()).astype(np.float32),
        "arkit": take.weights.numpy(),
        "arkit_names": np.array(take.names),
        "style": np.array(out.stem),
        "origin": np.array("solved"),
    }
    write_arrays(out, arrays | dict(found))
    return len(take.weights) / take.fps
