"""Fit ARKit weights to a motion of vertices: least squares with every unknown between 0 and 1, for
many right-hand sides at once."""

from collections.abc import Iterable

import torch
from torch import Tensor

from avatar.geometry.similarity import Misfit, mean_misfit, misfits
from avatar.heads import Head
from avatar.heads.arkit import WEIGHTS

PATIENCE = 5  # exchanges of whole sets that may fail to help before one unknown changes at a time
TOLERANCE = 1e-9  # relative to the scale of the problem
EXCHANGES = 2000  # far beyond what any problem of this size needs


def solve_bounded(gram: Tensor, projected: Tensor) -> Tensor:
    """The w in [0, 1] that minimise |A w - y|² for each of F targets y: [F, U].

    gram [U, U] = AᵀA, positive definite; projected [F, U] = Aᵀy. Block principal pivoting (Júdice,
    Pires 1994, Computers & Operations Research 21(5):587-596): each unknown is held at 0, held at
    1 or free; free ones are solved for, and all that break a rule change sides until none does.
    Exact; float64 inside.
    """
    gram, projected = gram.double(), projected.double()
    side = torch.full(projected.shape, -1, dtype=torch.int8)  # -1 at 0, 1 at 1, 0 free
    fewest = torch.full((len(projected),), projected.shape[1] + 1)
    patience = torch.full((len(projected),), PATIENCE)
    solution = torch.zeros_like(projected)
    open_rows = torch.arange(len(projected))
    for _ in range(EXCHANGES):
        found, wanted = _step(gram, projected[open_rows], side[open_rows])
        solution[open_rows] = found
        broken = wanted != side[open_rows]  # [f, U]
        count = broken.sum(1)
        keep = count > 0
        open_rows, wanted, broken, count = open_rows[keep], wanted[keep], broken[keep], count[keep]
        if not len(open_rows):
            break
        better = count < fewest[open_rows]
        patience[open_rows] = torch.where(better, PATIENCE, patience[open_rows] - 1)
        fewest[open_rows] = torch.where(better, count, fewest[open_rows])
        one_by_one = patience[open_rows] < 0
        changed = torch.where(one_by_one[:, None], _last(broken), broken)
        side[open_rows] = torch.where(changed, wanted, side[open_rows])
    return solution.clamp(0, 1)


def _step(gram: Tensor, projected: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """The solution [f, U] for given sides [f, U], and the sides that it asks for."""
    free = side == 0
    held = (side == 1).double()
    both = free[:, :, None] & free[:, None, :]
    system = torch.where(both, gram, torch.zeros(())) + torch.diag_embed((~free).double())
    right = torch.where(free, projected - held @ gram, held)
    found = torch.cholesky_solve(right[..., None], torch.linalg.cholesky(system))[..., 0]
    slope = found @ gram - projected  # of the misfit, as an unknown grows
    steep = TOLERANCE * gram.diagonal()
    wanted = side.clone()
    wanted[free & (found < -TOLERANCE)] = -1
    wanted[free & (found > 1 + TOLERANCE)] = 1
    wanted[((side == -1) & (slope < -steep)) | ((side == 1) & (slope > steep))] = 0
    return found, wanted


def _last(broken: Tensor) -> Tensor:
    """Only the last True of each row."""
    later = broken.flip(1).cumsum(1).flip(1)
    return broken & (later == 1)


RIDGE = 1e-9  # of the mean diagonal: units that do not move a mesh would make the problem singular


def fit_weights(head: Head, chunks: Iterable[Tensor]) -> tuple[Tensor, Misfit]:
    """Weights [F, 52] in [0, 1], in the order of WEIGHTS, of offsets [f, V, 3] on a head's mesh.

    Each frame is fitted by itself, by least squares over all vertices.
    """
    units = head.units[[head.unit_names.index(name) for name in WEIGHTS]].flatten(1).double()
    gram = units @ units.T
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    solved, apart = [], []
    for offsets in chunks:
        solved.append(solve_bounded(gram, offsets.flatten(1).double() @ units.T))
        fitted = (solved[-1] @ units).unflatten(1, (-1, 3))
        apart.append(misfits(offsets, fitted, head.regions["lips"]))
    return torch.cat(solved).float(), mean_misfit(apart)
