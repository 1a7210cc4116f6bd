"""Phones with their times → weights of the 52 ARKit units, with articulatory constraints.

A `Demand` bounds channels from below and above around the middle of certain phones, whatever their
neighbours. It acts through a gate in [0, 1] that rises, holds for at least two frames at 25 fps,
and falls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch

from audio2mesh.data.phones import BILABIALS, LABIODENTALS, OPEN_VOWELS, SILENCE, Phone
from avatar.heads.arkit import WEIGHTS
from common.errors import InputError
from research.corpus.dominance import CHANNELS, DominanceModel, dominance_curves, read_dominance

_TWO_FRAMES = 0.08  # seconds: holds two frames at 25 fps, wherever they fall
_SHORTEST_HOLD = 0.03  # seconds
_EDGE = 0.07  # seconds in which a gate opens or shuts
_SHORTEST_EDGE = 0.04
_PAUSE = 0.25  # seconds: longer silences are rest
_SETTLE, _PREPARE = 0.09, 0.13  # seconds of a pause in which the mouth still, or already, moves
_END_EDGE = 0.10  # seconds in which a recording's own ends come from and go to rest

_CLOSE_PER_PRESS = 2 * 1.15 / 34.5  # jaw opening that the overlap of pressed lips makes up for
_CLOSE_PER_PUCKER = 0.85 / 34.5


def _none_of(*channels: str) -> dict[str, float]:
    return dict.fromkeys(channels, 0.0)


@dataclass(frozen=True)
class Demand:
    """Bounds of channels in the middle of some phones."""

    phones: frozenset[str]
    low: Mapping[str, float] = field(default_factory=dict)
    high: Mapping[str, float] = field(default_factory=dict)
    hold: float = _SHORTEST_HOLD  # seconds for which a short phone's bounds hold in full


CLOSURE = Demand(
    BILABIALS,
    low={"jawOpen": 0.03, "mouthPress": 0.08},
    high={
        **_none_of("mouthFunnel", "mouthLowerDown", "mouthUpperUp", "mouthShrugUpper"),
        **_none_of("mouthRollLower", "mouthRollUpper", "mouthStretch", "tongueOut"),
        **{"jawOpen": 0.10, "mouthPress": 0.12, "mouthPucker": 0.12, "mouthSmile": 0.0},
    },
    hold=_TWO_FRAMES,
)
CONTACT = Demand(
    LABIODENTALS,
    low={"jawOpen": 0.13, "mouthRollLower": 0.65, "mouthUpperUp": 0.50},
    high={
        **_none_of("mouthFunnel", "mouthLowerDown", "mouthShrugUpper", "tongueOut"),
        **_none_of("mouthRollUpper", "mouthPress"),
        **{"jawOpen": 0.16, "mouthUpperUp": 0.60, "mouthPucker": 0.15},
    },
    hold=0.06,
)
_PARTING = ("mouthClose", "mouthShrugLower")  # units of filmed mouths that would undo the contact
DEMANDS = (
    Demand(OPEN_VOWELS, low={"jawOpen": 0.14}),
    Demand(frozenset({"IY"}), low={"mouthStretch": 0.12}, high={"mouthPucker": 0.08}),
    Demand(
        frozenset({"UW", "W"}),
        low={"mouthPucker": 0.50},
        high={"jawOpen": 0.20, **_none_of("mouthStretch", "mouthSmile")},
    ),
    Demand(
        frozenset({"UH", "OW", "OY", "AO", "SH", "ZH", "CH", "JH"}),
        low={"mouthPucker": 0.22, "mouthFunnel": 0.22},
        high=_none_of("mouthStretch", "mouthSmile"),
    ),
    Demand(frozenset({"L", "N", "T", "D"}), low={"jawOpen": 0.08, "tongueOut": 0.38}),
    Demand(
        frozenset({"TH", "DH"}),
        low={"jawOpen": 0.26, "mouthLowerDown": 0.38, "tongueOut": 0.72},
        high={"jawOpen": 0.32, "mouthFunnel": 0.05, "mouthPucker": 0.10, "tongueOut": 0.78},
    ),
    CONTACT,
    CLOSURE,
)
"""In the order in which they are imposed: what must hold most comes last."""


def constrain(
    curves: np.ndarray, phones: Sequence[Phone], times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Curves [F, C] that meet every demand, and mouthClose [F], at times [F] in seconds."""
    for demand in DEMANDS:
        wanted = np.clip(curves, _bounds(demand.low, 0.0), _bounds(demand.high, 1.0))
        curves = curves + _gate(demand, phones, times)[:, None] * (wanted - curves)
    rest = 1 - _pause_gate(phones, times)
    curves = curves * rest[:, None]
    return curves, _gate(CLOSURE, phones, times) * _sealing(curves)


def with_contact(
    weights: np.ndarray, names: Sequence[str], phones: Sequence[Phone], times: np.ndarray
) -> np.ndarray:
    """Weights [F, U] of the ARKit units `names`, with the lower lip at the upper teeth in f and v.

    A film from the front does not tell that, as it looks like a small gap.
    """
    by_unit = {channel + side: channel for channel in CHANNELS for side in ("", *_SIDES)}
    bounds = [
        (CONTACT.low.get(by_unit[name], 0.0), CONTACT.high.get(by_unit[name], 1.0))
        if name in by_unit
        else (0.0, 0.0 if name in _PARTING else 1.0)
        for name in names
    ]
    wanted = np.clip(weights, *np.array(bounds).T)
    return weights + _gate(CONTACT, phones, times)[:, None] * (wanted - weights)


def end_gate(times: np.ndarray) -> np.ndarray:
    """Weight [F] that is exactly 0 at the first and the last of the times [F]."""
    return _step((times - times[0]) / _END_EDGE) * _step((times[-1] - times) / _END_EDGE)


def _sealing(curves: np.ndarray) -> np.ndarray:
    """mouthClose [F] that makes up for the jaw; lips that press or pucker overlap already."""
    jaw, press, pucker = (
        curves[:, CHANNELS.index(name)] for name in ("jawOpen", "mouthPress", "mouthPucker")
    )
    return np.clip(jaw - _CLOSE_PER_PRESS * press - _CLOSE_PER_PUCKER * pucker, 0, jaw)


def _bounds(values: Mapping[str, float], default: float) -> np.ndarray:
    return np.array([values.get(channel, default) for channel in CHANNELS])


def _gate(demand: Demand, phones: Sequence[Phone], times: np.ndarray) -> np.ndarray:
    """Gate [F] that is 1 in the middle of every phone that the demand concerns."""
    shut = np.ones(len(times))  # product of (1 - gate)
    middles = [(phone.start + phone.end) / 2 for phone in phones]
    for k, phone in enumerate(phones):
        if phone.label not in demand.phones:
            continue
        half = max(demand.hold, phone.end - phone.start - _EDGE) / 2
        before = middles[k] - half - (middles[k - 1] if k > 0 else -np.inf)
        after = (middles[k + 1] if k + 1 < len(phones) else np.inf) - middles[k] - half
        rise, fall, offset = _edge(before), _edge(after), times - middles[k]
        shut *= 1 - _step((offset + half + rise) / rise) * _step((half + fall - offset) / fall)
    return 1 - shut


def _edge(room: float) -> float:
    return min(max(room, _SHORTEST_EDGE), _EDGE)


def _pause_gate(phones: Sequence[Phone], times: np.ndarray) -> np.ndarray:
    """Gate [F] that is 1 inside of pauses, and before the first and after the last phone."""
    rest = np.zeros(len(times))
    spoken = [phone for phone in phones if phone.label != SILENCE]
    ends = [-np.inf, *(phone.end for phone in spoken)]
    starts = [*(phone.start for phone in spoken), np.inf]
    for quiet, loud in zip(ends, starts, strict=True):
        if loud - quiet > _PAUSE:
            fall = _step((times - quiet) / _SETTLE) if np.isfinite(quiet) else 1.0
            rise = _step((loud - times) / _PREPARE) if np.isfinite(loud) else 1.0
            rest = np.maximum(rest, np.asarray(fall * rise))
    return rest


def _step(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, half a cosine between."""
    return (1 - np.cos(np.pi * np.clip(x, 0, 1))) / 2


_SIDES = ("Left", "Right")
_PAIRED = frozenset({"mouthLowerDown", "mouthUpperUp", "mouthPress", "mouthSmile", "mouthStretch"})
ARKIT_NAMES = tuple(sorted(WEIGHTS))


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
    return read_dominance(Path(__file__).parent / "dominance.npz")


def _to_units(curves: np.ndarray, close: np.ndarray) -> np.ndarray:
    """Channels [F, C] and mouthClose [F] spread over the units [F, 52]."""
    weights = np.zeros((len(curves), len(ARKIT_NAMES)), np.float32)
    for channel, curve in zip(CHANNELS, curves.T, strict=True):
        for side in _SIDES if channel in _PAIRED else ("",):
            weights[:, ARKIT_NAMES.index(channel + side)] = np.clip(curve, 0, 1)
    weights[:, ARKIT_NAMES.index("mouthClose")] = close
    return weights
