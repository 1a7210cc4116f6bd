"""The ARKit weights that come nearest to a motion of vertices."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from avatar.arkit.names import WEIGHTS
from avatar.arkit.solve import solve_bounded
from avatar.heads import Head
from avatar.mesh.misfit import Misfit, MisfitRuler

RIDGE = 1e-9  # of the mean diagonal: units that do not move a mesh would make the problem singular


def fit_weights(head: Head, chunks: Iterable[Tensor]) -> tuple[Tensor, Misfit]:
    """Weights [F, 52] in [0, 1], in the order of WEIGHTS, of offsets [f, V, 3] on a head's mesh.

    Each frame is fitted by itself, by least squares over all vertices.
    """
    units = head.units[[head.unit_names.index(name) for name in WEIGHTS]].flatten(1).double()
    gram = units @ units.T
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    ruler = MisfitRuler(head.regions["lips"])

    def solved() -> Iterator[Tensor]:
        for offsets in chunks:
            weights = solve_bounded(gram, offsets.flatten(1).double() @ units.T)
            ruler.add(offsets, (weights @ units).unflatten(1, (-1, 3)))
            yield weights

    return torch.cat(list(solved())).float(), ruler.misfit()
