"""The phone: where it stands, what is behind the subject, what its sensor makes of both."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from avatar.geometry.vectors import Floats, smoothstep
from avatar.lighting.materials import tone
from avatar.people.shading import linear
from research.captures.motion import FPS
from research.captures.picture import Bytes, Picture
from splat import Camera, look_at

FOCALS = (0.9, 2.0)  # in widths of the picture
SWAY_MM = 4.0  # by which the shoulders sway to each side
SHUTTER = 0.3  # of the time between two frames that each is exposed
GRAIN = 2.0  # grey levels: deviation of the sensor's noise
DRIFT = 0.05  # deviation of the logarithm of the exposure, which drifts over seconds
NEAREST, FARTHEST = 0.4, 1.0  # metres
CLOSE_UP = (2.45, 2.85)  # widths of the picture that a metre at the face takes
AIM = (0.0, -0.015, 0.0)  # metres
OFF_AXIS = (0.06, 0.05)  # radians: deviations of the place across and up
FURNITURE = 14  # boxes in the room
COLOURFUL = 0.35
OUT_OF_FOCUS = 0.018  # of the width: deviation of the blur of the room
DRIFT_SECONDS = 1.5
TINT = 0.3  # of the exposure's drift that each colour has for itself


def phone_camera(size: tuple[int, int], seed: int) -> Camera:
    """The camera of a seed; size: width and height in pixels."""
    rng = np.random.default_rng([seed, 10])
    focal = float(np.exp(rng.uniform(*np.log(FOCALS))))
    distance = float(np.clip(focal / rng.uniform(*CLOSE_UP), NEAREST, FARTHEST))
    across, up = rng.normal(0, OFF_AXIS)
    eye = np.array(AIM) + distance * np.array([np.sin(across), np.sin(up), np.cos(across)])
    return look_at(
        torch.from_numpy(eye).float(),
        torch.tensor(AIM),
        torch.tensor([0.0, 1.0, 0.0]),
        focal=focal * size[0],
        width=size[0],
        height=size[1],
    )


def backdrop(size: tuple[int, int], seed: int) -> Floats:
    """Radiance [H, W, 3] of what is behind the subject: a wall, boxes before it, out of focus."""
    rng = np.random.default_rng([seed, 11])
    width, height = size
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    wall = linear(_muted(rng, 120, 210))
    light = 0.75 + 0.5 * smoothstep(0, 1, rng.uniform(-0.5, 0.5) * (x - 0.5) * 2 + 1 - y)
    radiance = wall * light[..., None]
    for _ in range(FURNITURE):
        left, top = rng.uniform(-0.2, 1, 2)
        right, bottom = np.array([left, top]) + rng.uniform(0.08, 0.4, 2)
        inside = (x > left) & (x < right) & (y > top) & (y < bottom)
        radiance[inside] = linear(_muted(rng, 40, 220))
    blur = OUT_OF_FOCUS * width
    return gaussian_filter(radiance, (blur, blur, 0), mode="nearest")


def _muted(rng: np.random.Generator, least: float, most: float) -> Floats:
    """A colour [3] of a room, more grey than not."""
    return (1 - COLOURFUL) * rng.uniform(least, most) + COLOURFUL * rng.uniform(least, most, 3)


def exposure_gains(frames: int, deviation: float, seed: int) -> Floats:
    """Gains [F, 3] of the light in each colour; `deviation` is that of their logarithm."""
    rng = np.random.default_rng([seed, 12])
    sigma = DRIFT_SECONDS * FPS
    padding = int(4 * sigma)
    noise = rng.standard_normal((frames + 2 * padding, 4))
    smooth = gaussian_filter1d(noise, sigma, axis=0)[padding : padding + frames]
    smooth *= np.sqrt(2 * sigma * np.sqrt(np.pi))  # white noise keeps 1 / factor² of its variance
    common, tints = smooth[:, :1], smooth[:, 1:]
    return np.exp(deviation * (np.sqrt(1 - TINT**2) * common + TINT * tints))


def sensed(
    samples: Sequence[Picture], behind: Floats, grain: float, rng: np.random.Generator
) -> Picture:
    """What the sensor records over the samples of one exposure, over the room behind.

    behind [H, W, 3]: radiance; grain: deviation of the noise in grey levels. The mask is the mean
    of the samples', the regions are those of the first.
    """
    shares = [sample.mask[..., None] / 255.0 for sample in samples]
    share = np.mean(shares, axis=0)
    subject = np.mean(
        [sample.colour * s for sample, s in zip(samples, shares, strict=True)], axis=0
    )
    colour = subject + 255 * tone(behind) * (1 - share)
    colour += grain * rng.standard_normal(colour.shape, np.float32)
    return Picture(as_bytes(colour), as_bytes(255 * share[..., 0]), samples[0].regions)


def as_bytes(levels: Floats) -> Bytes:
    """Levels rounded to 0..255."""
    return np.clip(levels + 0.5, 0, 255).astype(np.uint8)
