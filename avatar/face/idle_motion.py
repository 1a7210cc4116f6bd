"""Blinks and a small head motion, so that a talking head does not look dead.

Both are drawn for the whole recording before the first frame: a few numbers per frame, from the
speech's energy and a seed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from torch import Tensor

from avatar.mesh.rotations import axis_angle_to_matrix, turn_about
from avatar.mesh.vectors import Floats

# Blinks. Rates: the middles of the ranges for primary gaze in silence (8.0 to 21.0 a minute) and
# for conversation (10.5 to 32.5), Doughty 2001, Optom Vis Sci 78(10):712-25. One person's intervals
# are strongly skewed to the right (Garcia, Pinto, Barbosa, Cruz 2011, IOVS 52(6):3419-24); that
# they are log-normal, with this coefficient of variation, is a choice made here.
RATE_SILENT, RATE_SPEAKING = 14.5 / 60, 21.5 / 60  # blinks a second
INTERVAL_VARIATION = 0.6
SHORTEST_INTERVAL = 0.6  # seconds between the starts of two blinks
# A lid closes in about 100 ms (Stern, Walrath, Goldstein 1984), a little faster here, and opens
# more slowly (VanderWerf et al. 2003, J Neurophysiol 89:2784-96).
CLOSING_SECONDS, CLOSED_SECONDS, OPENING_SECONDS = 0.08, 0.02, 0.18
BLINK_SECONDS = CLOSING_SECONDS + CLOSED_SECONDS + OPENING_SECONDS
DURATION_SPREAD = 0.15  # standard deviation of the logarithm of a blink's length

# Head motion, degrees at full speech (standard deviations) and seconds of smoothing.
YAW, PITCH, ROLL = 1.7, 1.0, 0.8
NOD = 1.6  # degrees the head dips on a stressed syllable
DRIFT_SECONDS, NOD_SECONDS, ACTIVITY_SECONDS = 0.55, 0.14, 0.6
STILL_SHARE = 0.3  # of the drift that remains in a pause
BLINK_UNITS: tuple[str, ...] = ("eyeBlinkLeft", "eyeBlinkRight")
BROW_RAISE = {"browInnerUp": 0.10, "browOuterUpLeft": 0.22, "browOuterUpRight": 0.22}
"""Weights on the strongest stress."""

CHUNK = 8192  # frames whose poses are computed at a time

QUIET_DB, LOUD_DB = -45.0, -12.0  # energy below the recording's loudest that counts as 0 and 1


@dataclass(frozen=True)
class Life:
    """What moves besides the mouth, per frame."""

    unit_weights: dict[str, Tensor]  # ARKit unit → [F] weights in [0, 1]
    head_pose: Tensor  # [F, 4, 4] rigid motion of the head about its pivot, head space


def live(energy: Floats, fps: float, pivot: Tensor, seed: int) -> Life:
    """Blinks, brows and head motion for a recording.

    energy [F]: root mean square of the sound in each frame; pivot [3] metres; the same seed gives
    the same life.
    """
    blink_rng, pose_rng = (np.random.default_rng([seed, stream]) for stream in range(2))
    activity = speech_activity(energy)
    blink = torch.from_numpy(blinks(activity, fps, blink_rng)).float()
    angles, stress = _head_angles(activity, fps, pose_rng)
    brow = torch.from_numpy(stress).float()
    weights = {name: blink for name in BLINK_UNITS}
    weights |= {name: weight * brow for name, weight in BROW_RAISE.items()}
    parts = torch.from_numpy(angles).float().split(CHUNK)
    poses = [turn_about(axis_angle_to_matrix(part), pivot) for part in parts]
    return Life(weights, torch.cat(poses))


def still(frames: int) -> Life:
    """No life at all: the head stands still and nothing but speech moves."""
    return Life({}, torch.eye(4).expand(frames, 4, 4))


def speech_activity(energy: Floats) -> Floats:
    """[F] in [0, 1]: 0 in pauses, 1 at the recording's loudest; all 0 for silence."""
    loudest = float(energy.max(initial=0.0))
    if loudest < 1e-4:
        return np.zeros(len(energy))
    level = 20 * np.log10(np.maximum(energy / loudest, 1e-6))
    return np.clip((level - QUIET_DB) / (LOUD_DB - QUIET_DB), 0.0, 1.0)


def blinks(activity: Floats, fps: float, rng: np.random.Generator) -> Floats:
    """[F] weights of the blink units: a renewal process, faster while speaking."""
    rate = RATE_SILENT + (RATE_SPEAKING - RATE_SILENT) * (activity > 0.2).mean()
    centres = (np.arange(len(activity)) + 0.5) / fps
    weights = np.zeros(len(activity))
    start = rng.uniform(0.3, 1.5)
    while start < len(activity) / fps:
        stretch = rng.lognormal(0.0, DURATION_SPREAD)
        first, last = np.searchsorted(centres, [start, start + stretch * BLINK_SECONDS])
        closure = lid_closure((centres[first:last] - start) / stretch)
        weights[first:last] = np.maximum(weights[first:last], closure)
        start += _interval(rate, rng)
    return weights


def lid_closure(seconds: Floats) -> Floats:
    """How far the lids are closed, [0, 1], at a time after a blink's start."""
    closing = _smoothstep(seconds / CLOSING_SECONDS)
    opening = _smoothstep((seconds - CLOSING_SECONDS - CLOSED_SECONDS) / OPENING_SECONDS)
    return closing * (1.0 - opening) ** 1.5


def _interval(rate: float, rng: np.random.Generator) -> float:
    """A log-normal interval in seconds with mean 1 / rate."""
    sigma2 = np.log1p(INTERVAL_VARIATION**2)
    drawn = rng.lognormal(np.log(1 / rate) - sigma2 / 2, np.sqrt(sigma2))
    return max(float(drawn), SHORTEST_INTERVAL)


def _smoothstep(t: Floats) -> Floats:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _head_angles(activity: Floats, fps: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rotation [F, 3] in radians about x, y, z, and stress [F] in [0, 1]."""
    speaking = _smooth(activity, ACTIVITY_SECONDS * fps)
    share = STILL_SHARE + (1 - STILL_SHARE) * speaking
    drift = np.stack([_drift(len(activity), fps, rng) for _ in range(3)], 1)  # [F, 3]
    stress = np.clip(_smooth(activity, NOD_SECONDS * fps) - speaking, 0.0, None)
    peak = maximum_filter1d(stress, max(1, round(20 * fps))) if len(stress) else stress
    stress = stress / np.maximum(peak, 0.15)
    angles = drift * share[:, None] * [PITCH, YAW, ROLL]
    angles[:, 0] += NOD * stress  # about +x (to the left ear) the face turns down
    return np.radians(angles), stress


def _drift(frames: int, fps: float, rng: np.random.Generator) -> Floats:
    """Smooth noise [F] of unit variance, wandering over about a second."""
    sigma = DRIFT_SECONDS * fps
    padding = int(4 * sigma) + 1
    noise = gaussian_filter1d(rng.standard_normal(frames + 2 * padding), sigma)
    unit = np.sqrt(2 * sigma * np.sqrt(np.pi))  # white noise keeps 1 / unit² of its variance
    return noise[padding : padding + frames] * unit


def _smooth(values: Floats, sigma: float) -> Floats:
    return gaussian_filter1d(values, sigma, mode="nearest") if len(values) else values
