"""Camera and light of a rendered mouth, and the mouth's position in a film: where the brightness
changes with the speech.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, label
from torch import Tensor

from avatar.geometry.vectors import Floats
from avatar.heads import Head
from splat import Camera, orbit

SIZE = 88
"""Pixels on each side of a crop."""
DISTANCE = 1.2  # metres: the perspective of a portrait lens
BELOW = 0.003  # metres under the resting mouth at which the crop is centred: jaws open downwards


@dataclass(frozen=True)
class MouthView:
    azimuth: float = 0.0
    """degrees around the mouth; positive turns to the subject's left"""
    elevation: float = 0.0
    """degrees above the mouth"""
    mouth: float = 0.55
    """width of the resting mouth as a share of the crop's"""
    shift: tuple[float, float] = (0.0, 0.0)
    """shares of the crop by which the mouth is moved right and down"""
    light: tuple[float, float] = (10.0, 40.0)
    """azimuth and elevation in degrees from which the light comes"""
    ambient: float = 0.5
    """share of the light that comes from everywhere"""
    exposure: float = 1.0
    """factor on all brightness"""


FRONT = MouthView()


def random_view(rng: np.random.Generator) -> MouthView:
    """A view as recordings of people vary: within 20° of the front, other sizes, other light."""
    return MouthView(
        azimuth=float(rng.uniform(-20, 20)),
        elevation=float(rng.uniform(-8, 8)),
        mouth=float(rng.uniform(0.47, 0.62)),
        shift=(float(rng.uniform(-0.04, 0.04)), float(rng.uniform(-0.04, 0.04))),
        light=(float(rng.uniform(-50, 50)), float(rng.uniform(10, 60))),
        ambient=float(rng.uniform(0.35, 0.7)),
        exposure=float(rng.uniform(0.7, 1.2)),
    )


def mouth_camera(head: Head, view: MouthView) -> Camera:
    """A square camera of `SIZE` pixels that looks at the head's resting mouth."""
    lips = head.vertices[head.regions["lips"]]
    inner = head.vertices[head.regions["lip_inner_upper"]]
    target = inner.mean(0)
    target[1] -= BELOW
    across = float(lips[:, 0].max() - lips[:, 0].min()) / view.mouth  # metres that the crop shows
    fov = math.degrees(2 * math.atan(across / 2 / DISTANCE))
    camera = orbit(target, DISTANCE, view.azimuth, view.elevation, fov, SIZE, SIZE)
    K = camera.K.clone()
    K[:2, 2] += SIZE * torch.tensor(view.shift)
    return Camera(camera.viewmat, K, SIZE, SIZE)


def light_direction(view: MouthView) -> Tensor:
    """Unit vector [3] towards the light, in head space."""
    azimuth, elevation = (math.radians(angle) for angle in view.light)
    return torch.tensor(
        [
            math.sin(azimuth) * math.cos(elevation),
            math.sin(elevation),
            math.cos(azimuth) * math.cos(elevation),
        ]
    )


SYLLABLE = (0.7, 4.0)  # frames at 25 fps: changes slower than the second are not speech
LAGS = range(-2, 3)  # frames by which picture and sound may be apart
COARSE, FINE = 0.05, 0.08  # smoothing: first in widths of the picture, then in sides of the box
REFINEMENTS = 4
REGION = 0.3  # of the peak's height, above which the mouth and the jaw lie
BELOW_TOP = 0.30  # of its width: how far the middle of the mouth is below the region's top
WIDER = 1.1  # the region, in widths of the mouth
FAINTEST = 20.0  # the peak, in heights of the picture's median
LEAST_CORRELATION = 0.4  # of speech and brightness at the peak
SHORTEST = 50  # frames from which a mouth can be found
QUIETEST = 1e-3  # loudness that counts as none


@dataclass(frozen=True)
class Box:
    """A square in a picture, in pixels; the middle of the mouth is at its centre."""

    x: float  # of the centre, to the right
    y: float  # of the centre, down
    side: float


def locate_mouth(pictures: NDArray[np.uint8], loudness: Floats) -> Box | None:
    """The mouth's box in small grey pictures [F, H, W] with the loudness [F] of their frames.

    Brightness and loudness are kept at the rate of syllables; their covariance, squared, is the
    variance of the brightness weighted by its correlation with speech. Where it peaks is the mouth,
    and the jaw under it. None where nothing stands out.
    """
    count = min(len(pictures), len(loudness))
    width = pictures.shape[2]
    speech = _syllables(np.log(np.asarray(loudness[:count], float) + QUIETEST))
    if count < SHORTEST or speech.std() < 1e-6:
        return None
    speech /= speech.std()
    changes = _syllables(pictures[:count].astype(np.float32) / 255)
    shifted = [np.roll(speech, lag) for lag in LAGS]
    covariance = np.abs(np.stack([_along(s, changes) for s in shifted])).max(0)  # [H, W]
    correlation = covariance / (changes.std(0) + 1e-3)
    sigma, box = COARSE * width, None
    for _ in range(REFINEMENTS):
        box = _box(gaussian_filter(covariance**2, sigma), correlation)
        if box is None:
            return None
        sigma = FINE * box.side
    return box


def _box(score: Floats, correlation: Floats) -> Box | None:
    peak = np.unravel_index(score.argmax(), score.shape)
    if score[peak] < FAINTEST * np.median(score):
        return None
    regions = np.empty(score.shape, np.int32)
    label(score > REGION * score[peak], output=regions)
    inside = regions == regions[peak]
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    across = columns[-1] - columns[0] + 1.0
    if np.quantile(correlation[inside], 0.9) < LEAST_CORRELATION:
        return None
    return Box(
        x=float(columns[0] + across / 2),
        y=float(rows[0] + BELOW_TOP * across),
        side=float(across / WIDER / FRONT.mouth),
    )


def _syllables(curves: Floats) -> Floats:
    """Curves [F, ..] without what is faster or slower than syllables."""
    fast, slow = SYLLABLE
    return gaussian_filter1d(curves, fast, axis=0) - gaussian_filter1d(curves, slow, axis=0)


def _along(speech: Floats, changes: Floats) -> Floats:
    return np.tensordot(speech, changes, 1) / len(speech)
