"""Phones with their times → weights of the 52 ARKit units."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch

from audio2mesh.corpus.constraints import constrain, end_gate
from audio2mesh.corpus.dominance import (
    CHANNELS,
    DominanceModel,
    dominance_curves,
    read_dominance,
)
from audio2mesh.data.phones import Phone
from common.errors import InputError

_SIDES = ("Left", "Right")
_PAIRED = frozenset({"mouthLowerDown", "mouthUpperUp", "mouthPress", "mouthSmile", "mouthStretch"})
ARKIT_NAMES = (
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight"),
    *("eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight"),
    *("eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft"),
    *("jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight"),
    *("mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft"),
    *("mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)


def articulate(
    phones: Sequence[Phone], seconds: float, fps: float, model: DominanceModel | None = None
) -> np.ndarray:
    """Weights [F, 52] in [0, 1], float32, in the order of `ARKIT_NAMES`; frame k is at k/fps s.

    `phones` are in order and do not overlap; gaps between them are silence. Without a model, the
    fitted one that ships. The first and the last frame are exactly at rest. InputError for phones
    out of order or a length of less than two frames.
    """
    frames = round(seconds * fps)
    if frames < 2:
        raise InputError(f"{seconds:g} s at {fps:g} fps has fewer than two frames; give more sound")
    times = np.arange(frames) / fps
    with torch.no_grad():
        free = dominance_curves(model or load_dominance(), phones, torch.from_numpy(times))
    curves, close = constrain(free.double().numpy(), phones, times)
    return _to_units(curves, close) * end_gate(times)[:, None].astype(np.float32)


@cache
def load_dominance() -> DominanceModel:
    """The fitted model that ships."""
    with as_file(files("audio2mesh.corpus").joinpath("dominance.npz")) as path:
        return read_dominance(path)


def unit_of(channel: str) -> str:
    """The ARKit unit of a channel, the left one of a pair."""
    return channel + _SIDES[0] if channel in _PAIRED else channel


def _to_units(curves: np.ndarray, close: np.ndarray) -> np.ndarray:
    """Channels [F, C] and mouthClose [F] spread over the units [F, 52]."""
    weights = np.zeros((len(curves), len(ARKIT_NAMES)), np.float32)
    for channel, curve in zip(CHANNELS, curves.T, strict=True):
        for side in _SIDES if channel in _PAIRED else ("",):
            weights[:, ARKIT_NAMES.index(channel + side)] = np.clip(curve, 0, 1)
    weights[:, ARKIT_NAMES.index("mouthClose")] = close
    return weights
