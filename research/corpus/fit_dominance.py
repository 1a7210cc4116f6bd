"""Fit the dominance model to real motion with phones: gradient descent from a phonetic table.

A prior holds every parameter to its start, so that phones and channels without data keep it. The
start follows phonetics: jaw heights follow vowel height, rounding and spreading the vowel chart; of
a consonant only the articulators that form it dominate, the others are left to its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from audio2mesh.data.clips import Clip, load_clips, read_phones
from audio2mesh.data.face_geometry import FaceUnits
from audio2mesh.data.phones import PHONES, SILENCE, VOWELS
from common.arrays import read_arrays
from common.errors import InputError
from research.corpus.articulation import ARKIT_NAMES, unit_of
from research.corpus.dominance import CHANNELS, GLIDES, DominanceModel, dominance_curves
from research.corpus.options import ArticulationOptions, DominanceOptions

_TARGETS: dict[str, dict[str, float]] = {
    "AA": {"jawOpen": 0.50, "mouthLowerDown": 0.15, "mouthUpperUp": 0.05},
    "AE": {"jawOpen": 0.44, "mouthLowerDown": 0.20, "mouthUpperUp": 0.10, "mouthStretch": 0.12},
    "AH": {"jawOpen": 0.34, "mouthLowerDown": 0.12, "mouthUpperUp": 0.04},
    "AO": {"jawOpen": 0.40, "mouthFunnel": 0.35, "mouthPucker": 0.30},
    "EH": {"jawOpen": 0.33, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08, "mouthStretch": 0.12},
    "ER": {"jawOpen": 0.20, "mouthFunnel": 0.25, "mouthPucker": 0.22},
    "IH": {"jawOpen": 0.20, "mouthLowerDown": 0.15, "mouthUpperUp": 0.06, "mouthStretch": 0.15},
    "IY": {
        "jawOpen": 0.12,
        "mouthLowerDown": 0.20,
        "mouthUpperUp": 0.10,
        "mouthSmile": 0.16,
        "mouthStretch": 0.22,
    },
    "UH": {"jawOpen": 0.18, "mouthFunnel": 0.22, "mouthPucker": 0.45},
    "UW": {"jawOpen": 0.12, "mouthFunnel": 0.22, "mouthPucker": 0.75},
    "B": {"jawOpen": 0.06, "mouthPress": 0.12},
    "P": {"jawOpen": 0.06, "mouthPress": 0.12},
    "M": {"jawOpen": 0.06, "mouthPress": 0.12},
    "F": {"jawOpen": 0.15, "mouthRollLower": 0.70, "mouthUpperUp": 0.55},
    "V": {"jawOpen": 0.15, "mouthRollLower": 0.65, "mouthUpperUp": 0.50},
    "W": {"jawOpen": 0.10, "mouthFunnel": 0.20, "mouthPucker": 0.80},
    "R": {"jawOpen": 0.14, "mouthFunnel": 0.28, "mouthPucker": 0.35},
    "SH": {"jawOpen": 0.09, "mouthFunnel": 0.40, "mouthPucker": 0.35},
    "S": {"jawOpen": 0.06, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08, "mouthStretch": 0.10},
    "T": {"jawOpen": 0.10, "mouthLowerDown": 0.10, "mouthUpperUp": 0.04},
    "TH": {"jawOpen": 0.26, "mouthLowerDown": 0.35, "tongueOut": 0.70},
    "DH": {"jawOpen": 0.24, "mouthLowerDown": 0.30, "tongueOut": 0.65},
    "L": {"jawOpen": 0.20, "mouthLowerDown": 0.10, "tongueOut": 0.30},
    "N": {"jawOpen": 0.13, "mouthLowerDown": 0.08, "tongueOut": 0.25},
    "K": {"jawOpen": 0.17},
    "Y": {"jawOpen": 0.12, "mouthLowerDown": 0.10, "mouthStretch": 0.15},
    "HH": {"jawOpen": 0.22},
}
_LIKE = {"ZH": "SH", "CH": "SH", "JH": "SH", "Z": "S", "D": "T", "G": "K", "NG": "K"}

_STRONG = {
    "B": ("jawOpen", "mouthPress", "mouthFunnel", "mouthLowerDown", "mouthUpperUp"),
    "F": ("jawOpen", "mouthRollLower", "mouthUpperUp", "mouthLowerDown", "mouthFunnel"),
    "W": ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile"),
    "SH": ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile"),
    "R": ("mouthPucker", "mouthFunnel"),
    "S": ("jawOpen", "mouthLowerDown"),
    "TH": ("jawOpen", "tongueOut"),
    "L": ("tongueOut",),
    "Y": ("mouthStretch",),
}
_STRONG_LIKE = {
    **{"P": "B", "M": "B", "V": "F", "DH": "TH", "N": "L"},
    **{"ZH": "SH", "CH": "SH", "JH": "SH", "Z": "S"},
}

_FULL, _PARTIAL, _WEAK = 1.0, 0.5, 0.2  # magnitudes α
_LIP_RATE, _TONGUE_RATE, _SILENCE_RATE = 28.0, 45.0, 30.0  # 1/s
_LEAD = 0.02  # seconds


def table_model() -> DominanceModel:
    """The model before any fit."""
    phones = tuple(phone for phone in PHONES if phone not in GLIDES)
    target = torch.tensor([[_target(p, c) for c in CHANNELS] for p in phones])
    magnitude = torch.tensor([[_magnitude(p, c) for c in CHANNELS] for p in phones])
    rate = torch.tensor([[_rate(p, c) for c in CHANNELS] for p in phones])
    return DominanceModel(
        phones, target, magnitude, rate, rate.clone(), torch.full((len(CHANNELS),), _LEAD)
    )


def _target(phone: str, channel: str) -> float:
    return _TARGETS.get(_LIKE.get(phone, phone), {}).get(channel, 0.0)


def _magnitude(phone: str, channel: str) -> float:
    if phone == SILENCE or phone in VOWELS:
        return _FULL
    if channel in _STRONG.get(_STRONG_LIKE.get(phone, phone), ()):
        return _FULL
    return _PARTIAL if channel == "jawOpen" else _WEAK


def _rate(phone: str, channel: str) -> float:
    if phone == SILENCE:
        return _SILENCE_RATE
    return _TONGUE_RATE if channel == "tongueOut" else _LIP_RATE


_SLOWEST, _FASTEST = 8.0, 60.0  # 1/s
_AROUND = 0.15  # seconds around speech that count as speech
_STILL = 0.03  # standard deviation: a channel that moves less tells nothing
_PERCENTILES = (0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_HIGH = slice(3, 6)  # those of the percentiles that set the amplitude
_POWERS = (0.8, 1.0, 1.25, 1.6, 2.0, 2.5)
_FREEDOM = 0.2  # by which a target may leave its start
_MARGIN = 0.02  # by which targets may pass 0 and 1 on the way


@dataclass(frozen=True)
class Observed:
    """Real curves on the frames that count."""

    clip: Clip
    times: Tensor  # [n] seconds of the audio, float64
    curves: Tensor  # [n, C]


def fit_to_clips(
    options: ArticulationOptions, units: FaceUnits, rest: Tensor
) -> tuple[list[Clip], list[Clip], dict[str, DominanceModel]]:
    """The clips that were fitted to, those held out, and models: the plain table of targets, the
    fitted one, and that with the amplitudes matched. InputError where no clip is left."""
    clips = [
        _with_phones(clip, options.phones)
        for clip in load_clips(options.data, units, rest)
        if clip.name not in options.exclude
    ]
    if missing := {*options.held_out} - {clip.name for clip in clips}:
        raise InputError(f"{options.data}: no clip is called {min(missing)}")
    held = [clip for clip in clips if clip.name in options.held_out]
    used = [clip for clip in clips if clip.name not in options.held_out]
    if not used:
        raise InputError(f"{options.data}: no clip is left to fit to; hold out or exclude fewer")
    start = table_model()
    fitted = fit_dominance(used, start, options.train)
    matched = match_amplitudes(fitted, used, start)
    return used, held, {"table": start, "fitted": fitted, "matched": matched}


def _with_phones(clip: Clip, folder: Path | None) -> Clip:
    if clip.phones or folder is None:
        return clip
    path = folder / f"{clip.name}.npz"
    return replace(clip, phones=read_phones(path, read_arrays(path)))


def fit_dominance(
    clips: Sequence[Clip], start: DominanceModel, options: DominanceOptions | None = None
) -> DominanceModel:
    """The model whose curves come nearest to those of the clips, in the mean square.

    The clips need phones and the weights of `ARKIT_NAMES` as coefficients; InputError otherwise.
    """
    options = options or DominanceOptions()
    seen = [observe(clip) for clip in clips]
    weight = _channel_weights(torch.cat([one.curves for one in seen]))
    raw = [value.requires_grad_() for value in _to_raw(start)]
    origin = [value.detach().clone() for value in raw]
    optimiser = torch.optim.Adam(raw, lr=options.learning_rate)
    for _ in range(options.steps):
        optimiser.zero_grad()
        model = _from_raw(start, raw)
        errors = [_error(model, one, weight) for one in seen]
        held = torch.stack([(a - b).square().mean() for a, b in zip(raw, origin, strict=True)])
        (torch.stack(errors).mean() + options.prior * held.sum()).backward()
        optimiser.step()
    return _from_raw(start, [value.detach() for value in raw])


def match_amplitudes(
    model: DominanceModel, clips: Sequence[Clip], start: DominanceModel
) -> DominanceModel:
    """The model with targets bent to a·T^γ so that each channel has the clips' percentiles.

    Least squares shrinks what it cannot predict; this gives the motion its range back: for each γ,
    a sets the high percentiles, and the γ is taken whose other percentiles come nearest. No target
    moves by more than 0.2 from `start`: phones of one language, recognised in another, say how far
    the mouth moves, but not that an l is rounded.
    """
    seen = [observe(clip) for clip in clips]
    real = _percentiles([one.curves for one in seen])
    moving = _channel_weights(torch.cat([one.curves for one in seen])) > 0
    best, least = _near_start(model, start).target, torch.full((len(CHANNELS),), torch.inf)
    for power in _POWERS:
        bent, gain = replace(model, target=model.target**power), torch.ones(len(CHANNELS))
        for _ in range(3):  # the bounds on targets make the gain a fixed point
            gain = gain * real[_HIGH].mean(0) / _made(bent, seen)[_HIGH].mean(0).clamp(min=1e-6)
            bent = _near_start(replace(model, target=model.target**power * gain), start)
        error = (_made(bent, seen) - real).abs().mean(0)
        better = moving & (error < least)
        best, least = torch.where(better, bent.target, best), torch.where(better, error, least)
    return replace(model, target=best)


def _near_start(model: DominanceModel, start: DominanceModel) -> DominanceModel:
    low, high = start.target - _FREEDOM, start.target + _FREEDOM
    spoken = torch.tensor([[float(phone != SILENCE)] for phone in model.phones])
    return replace(model, target=model.target.clamp(low, high).clamp(0, 1) * spoken)


def _made(model: DominanceModel, seen: Sequence[Observed]) -> Tensor:
    with torch.no_grad():
        return _percentiles([dominance_curves(model, one.clip.phones, one.times) for one in seen])


def _percentiles(curves: Sequence[Tensor]) -> Tensor:
    """[p, C] of curves [n, C]."""
    return torch.cat(list(curves)).quantile(torch.tensor(_PERCENTILES), dim=0)


def explained(model: DominanceModel, clip: Clip) -> dict[str, float]:
    """R² of each channel that moves in a clip, over its speech, before constraints."""
    one = observe(clip)
    with torch.no_grad():
        made = dominance_curves(model, clip.phones, one.times)
    return {
        channel: r_squared(curve, real)
        for channel, curve, real in zip(CHANNELS, made.T, one.curves.T, strict=True)
        if real.std() > _STILL
    }


def r_squared(made: Tensor, real: Tensor) -> float:
    """Share of the variance of a curve [n] that another explains; negative for a bad one."""
    return 1 - float((made - real).square().mean() / real.var(correction=0))


def observe(clip: Clip) -> Observed:
    """The frames of a clip within 0.15 s of speech."""
    weights = clip.motion.coefficients
    if not clip.phones or weights.shape[1] != len(ARKIT_NAMES):
        raise InputError(f"clip {clip.name}: needs phones and the 52 ARKit weights to fit to")
    times = torch.arange(len(weights), dtype=torch.float64) / clip.fps - clip.lag
    spoken = torch.zeros(len(times), dtype=torch.bool)
    for phone in clip.phones:
        if phone.label != SILENCE:
            spoken |= (times > phone.start - _AROUND) & (times < phone.end + _AROUND)
    columns = [ARKIT_NAMES.index(unit_of(channel)) for channel in CHANNELS]
    return Observed(clip, times[spoken], weights[spoken][:, columns].float())


def _error(model: DominanceModel, one: Observed, weight: Tensor) -> Tensor:
    made = dominance_curves(model, one.clip.phones, one.times)
    return ((made - one.curves).square().mean(0) * weight).sum()


def _channel_weights(curves: Tensor) -> Tensor:
    """One over the variance [C]; 0 for a channel that never moves."""
    variance = curves.var(0)
    return torch.where(variance > _STILL**2, 1 / variance.clamp(min=1e-9), 0.0) / len(CHANNELS)


def _to_raw(model: DominanceModel) -> list[Tensor]:
    """Parameters without bounds: targets, magnitudes, two rates, leads in tens of milliseconds."""
    rates = [
        ((rate - _SLOWEST) / (_FASTEST - _SLOWEST)).logit(eps=1e-3)
        for rate in (model.anticipation, model.carry_over)
    ]
    target = ((model.target + _MARGIN) / (1 + 2 * _MARGIN)).logit(eps=1e-3)
    return [target, model.magnitude.log(), *rates, model.lead / 0.01]


def _from_raw(model: DominanceModel, raw: Sequence[Tensor]) -> DominanceModel:
    target, magnitude, before, after, lead = raw
    span = _FASTEST - _SLOWEST
    spoken = torch.tensor([[float(phone != SILENCE)] for phone in model.phones])
    return replace(
        model,
        target=(target.sigmoid() * (1 + 2 * _MARGIN) - _MARGIN).clamp(0, 1) * spoken,
        magnitude=magnitude.exp(),
        anticipation=_SLOWEST + span * before.sigmoid(),
        carry_over=_SLOWEST + span * after.sigmoid(),
        lead=lead * 0.01,
    )
