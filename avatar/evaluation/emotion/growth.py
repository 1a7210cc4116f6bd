"""Whether every unit of a feeling grows with its intensity."""

from collections.abc import Mapping, Sequence

import torch
from scipy.stats import rankdata
from torch import Tensor

from audio2mesh.model.motion import Motion
from avatar.evaluation.emotion.spoken import Stage
from avatar.face.emotion.presets import EMOTIONS

LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


def unit_growth(stage: Stage, speech: Tensor, emotion: str) -> dict[str, float]:
    """For each unit of a feeling the rank correlation of its amplitude on the mesh with the
    intensity, over LEVELS; speech [F, K]."""
    names = list(EMOTIONS[emotion].units)
    alone = mean_offsets(stage.neutral(speech))
    added = [mean_offsets(stage.felt(speech, emotion, level)) - alone for level in LEVELS]
    found = amplitudes(stage, names, torch.stack(added))
    return rank_correlations(LEVELS, {name: found[:, k] for k, name in enumerate(names)})


def mean_offsets(motion: Motion) -> Tensor:
    """[V, 3] over all frames."""
    return (motion.coefficients.mean(0) @ motion.basis.flatten(1)).unflatten(0, (-1, 3))


def amplitudes(stage: Stage, names: Sequence[str], offsets: Tensor) -> Tensor:
    """[L, U] the weights of units that together come nearest to offsets [L, V, 3]."""
    units = torch.stack([stage.face.head.unit(name) for name in names])
    place = stage.face.to_head
    turn = torch.from_numpy(place.scale * place.rotation.T).float()
    directions = (units.float() @ turn).flatten(1)  # [U, 3 V]
    rows = offsets[:, : units.shape[1]].flatten(1)  # without the teeth behind the mesh
    return torch.linalg.lstsq(directions.T.double(), rows.T.double()).solution.T


def rank_correlations(levels: Sequence[float], values: Mapping[str, Tensor]) -> dict[str, float]:
    """Spearman's of values [L] with the levels; 0 for what never changes."""
    return {name: _rank_correlation(levels, value) for name, value in values.items()}


def _rank_correlation(levels: Sequence[float], values: Tensor) -> float:
    ranks = [torch.from_numpy(rankdata(each)) for each in (levels, values.tolist())]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1]) if values.std() > 1e-9 else 0.0
