"""Fit the dominance model to real motion with phones: gradient descent from the phonetic table.

What the recordings do not show (a phone that never occurs, a channel that never moves) stays where
the start has it: the loss holds every parameter to its start as a normal prior would.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from audio2mesh.clips import Clip
from audio2mesh.corpus.articulation import ARKIT_NAMES, articulate, unit_of
from audio2mesh.corpus.dominance import CHANNELS, DominanceModel, dominance_curves
from audio2mesh.phones import SILENCE

_SLOWEST, _FASTEST = 8.0, 60.0  # 1/s
_AROUND = 0.15  # seconds around speech that count as speech
_STILL = 1e-3  # standard deviation: a channel below it tells nothing
_HIGH = (0.90, 0.95, 0.99)  # percentiles that set the amplitude
_LEAST_GAIN, _LARGEST_GAIN = 0.6, 2.5


@dataclass(frozen=True)
class FitOptions:
    """How to fit."""

    steps: int = 250
    """Steps of Adam."""
    rate: float = 0.04
    """Learning rate."""
    prior: float = 0.02
    """Weight of the squared distance of each parameter from where it started."""


@dataclass(frozen=True)
class Observed:
    """Real curves on the frames that count."""

    clip: Clip
    times: Tensor  # [n] seconds of the audio, float64
    curves: Tensor  # [n, C]


def fit_dominance(
    clips: Sequence[Clip], start: DominanceModel, options: FitOptions | None = None
) -> DominanceModel:
    """The model whose curves come nearest to those of the clips, in the mean square.

    The clips need phones and the weights of `ARKIT_NAMES` as coefficients; ValueError otherwise.
    """
    options = options or FitOptions()
    seen = [observe(clip) for clip in clips]
    weight = _channel_weights(torch.cat([one.curves for one in seen]))
    raw = [value.requires_grad_() for value in _to_raw(start)]
    origin = [value.detach().clone() for value in raw]
    optimiser = torch.optim.Adam(raw, lr=options.rate)
    for _ in range(options.steps):
        optimiser.zero_grad()
        model = _from_raw(start, raw)
        errors = [_error(model, one, weight) for one in seen]
        held = torch.stack([(a - b).square().mean() for a, b in zip(raw, origin, strict=True)])
        (torch.stack(errors).mean() + options.prior * held.sum()).backward()
        optimiser.step()
    return _from_raw(start, [value.detach() for value in raw])


def match_amplitudes(model: DominanceModel, clips: Sequence[Clip]) -> DominanceModel:
    """The model with targets scaled so that the high percentiles of each channel are the clips'.

    Least squares shrinks what it cannot predict; this gives the motion its range back.
    """
    seen = [observe(clip) for clip in clips]
    with torch.no_grad():
        made = torch.cat([dominance_curves(model, one.clip.phones, one.times) for one in seen])
    levels = torch.tensor(_HIGH)
    real = torch.cat([one.curves for one in seen]).quantile(levels, dim=0).mean(0)  # [C]
    gain = real / made.quantile(levels, dim=0).mean(0).clamp(min=1e-6)
    gain = torch.where(real > 0.02, gain.clamp(_LEAST_GAIN, _LARGEST_GAIN), 1.0)
    return replace(model, target=(model.target * gain).clamp(0, 1))


def explained(model: DominanceModel, clip: Clip) -> dict[str, float]:
    """R² of each unit that moves in a clip, over its speech, for the curves after constraints."""
    one = observe(clip)
    rate = 100.0
    made = articulate(clip.phones, clip.seconds + 0.5, rate, model)  # [F, 52]
    at = np.clip(np.rint(one.times.numpy() * rate).astype(int), 0, len(made) - 1)
    scores = {}
    for channel, real in zip(CHANNELS, one.curves.T.numpy(), strict=True):
        if real.std() > _STILL:
            error = made[at, ARKIT_NAMES.index(unit_of(channel))] - real
            scores[channel] = 1 - float(np.square(error).mean() / real.var())
    return scores


def observe(clip: Clip) -> Observed:
    """The frames of a clip within 0.15 s of speech."""
    weights = clip.motion.coefficients
    if not clip.phones or weights.shape[1] != len(ARKIT_NAMES):
        raise ValueError(f"clip {clip.name}: needs phones and the 52 ARKit weights to fit to")
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
    return [model.target.logit(eps=0.01), model.magnitude.log(), *rates, model.lead / 0.01]


def _from_raw(model: DominanceModel, raw: Sequence[Tensor]) -> DominanceModel:
    target, magnitude, before, after, lead = raw
    span = _FASTEST - _SLOWEST
    return replace(
        model,
        target=target.sigmoid(),
        magnitude=magnitude.exp(),
        anticipation=_SLOWEST + span * before.sigmoid(),
        carry_over=_SLOWEST + span * after.sigmoid(),
        lead=lead * 0.01,
    )
