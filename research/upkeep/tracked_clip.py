"""A tracked film as a clip that speech-to-motion weights learn from and are measured on."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.avatar_io.take_poses import head_angles
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS
from avatar.heads.arkit_fit import fit_weights
from avatar.tracking.write import MOTION, OVERLAY
from avatar.video.sound import sound_reader
from common.arrays import write_arrays
from common.wav_files import write_wav

RATE = 16_000  # samples per second of a clip's sound
SPOKEN = ("jaw", "mouth", "cheekPuff", "tongueOut")  # the units that speech moves
Labels = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Sound [S] at 16 kHz → further arrays of the clip, such as its phones."""


def write_clip(tracked: Path, out: Path, labels: Labels) -> float:
    """Write the `<id>.npz` `out` and its `<id>.wav` from a folder of `track`; returns seconds.

    The motion is what jaw, lips and tongue add to the person's face at rest, as weights, and how
    the head turns (`head`, degrees of yaw, pitch and roll); a picture of the film shows the middle
    of its time. The speaking style is named after the clip. Raises as
    `open_motion` and `stream_audio` do.
    """
    motion = open_motion(tracked / MOTION)
    weights, _ = fit_weights(load_head(), motion_chunks(motion))
    spoken = [k for k, name in enumerate(WEIGHTS) if name.startswith(SPOKEN)]
    seconds = len(weights) / motion.fps
    read = sound_reader(tracked / OVERLAY, RATE)
    sound = read(round(seconds * RATE)).mean(1)
    found = labels(sound)
    write_wav(out.with_suffix(".wav"), sound, RATE)
    arrays = {
        "fps": np.array(motion.fps),
        "sync_lag_ms": np.array(-500 / motion.fps, np.float32),
        "head": np.degrees(head_angles(motion.head_pose.double()).numpy()).astype(np.float32),
        "arkit": weights[:, spoken].numpy(),
        "arkit_names": np.array([WEIGHTS[k] for k in spoken]),
        "style": np.array(out.stem),
        "origin": np.array("solved"),
    }
    write_arrays(out, arrays | dict(found))
    return seconds
