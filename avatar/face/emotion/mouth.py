"""What a mouth does, read off a basis of offsets at a few points of the mesh: lengths in metres at
the size of anny-head, in the axes of head space, whatever the mesh's own are."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from avatar.heads import load_head
from avatar.transfer.fitted_face import Face

AROUND = 0.08  # metres from the middle of the mouth


@dataclass(frozen=True)
class Lines:
    """What C directions of offsets do to the points of a mouth."""

    parting: Tensor  # [C, P] how far they part the inner lips at each pair, upwards
    corners: Tensor  # [C, 3] from the right corner of the lips to the left
    lip: Tensor  # [C, m, 3] of the middle of the lower lip


@dataclass(frozen=True)
class Mouth:
    """The points of one face by which speech is seen."""

    face: Face

    @cached_property
    def pairs(self) -> tuple[Tensor, Tensor]:
        """Vertices [P] of the upper and of the lower inner lip, right to left."""
        regions = self.face.head.regions
        return regions["lip_inner_upper"], regions["lip_inner_lower"]

    @cached_property
    def rest(self) -> Tensor:
        """[V, 3] head space."""
        return self.face.to_head.of_tensor(self.face.mesh.vertices)

    @cached_property
    def around(self) -> Tensor:
        """Vertices [n] of the lower face; no correction of the mouth reaches beyond."""
        middle = self.rest[self.face.head.regions["lips"]].mean(0)
        return ((self.rest - middle).norm(dim=1) < AROUND).nonzero()[:, 0]

    @cached_property
    def corners(self) -> Tensor:
        """The two lip vertices [2] farthest to the sides: right, left."""
        lips = self.face.head.regions["lips"]
        across = self.rest[lips, 0]
        return lips[[int(across.argmin()), int(across.argmax())]]

    @cached_property
    def width(self) -> float:
        """Between the corners at rest."""
        right, left = self.rest[self.corners]
        return float((left - right).norm())

    @cached_property
    def lower_lip(self) -> Tensor:
        """Vertices [m] of the middle third of the lower inner lip."""
        lower = self.pairs[1]
        third = len(lower) // 3
        return lower[third : len(lower) - third]

    @cached_property
    def upper_teeth(self) -> Tensor:
        """Places [t, 3], which never move; on a mesh without teeth where anny-head's lie."""
        head, fitted = load_head(), self.face.fitted
        teeth = head.group_vertices("upper-teeth")
        if fitted is None:
            return self.rest[teeth]
        return self.face.to_head.of_tensor(fitted[teeth])

    @cached_property
    def teeth_at_rest(self) -> float:
        """Mean distance of the middle of the lower lip from the upper teeth."""
        return float(self.teeth_distance(self.rest[self.lower_lip]))

    def teeth_distance(self, lip: Tensor) -> Tensor:
        """Mean distance [..] from the upper teeth of the lower lip's middle [.., m, 3]."""
        return torch.cdist(lip, self.upper_teeth).amin(-1).mean(-1)

    def lines(self, basis: Tensor) -> Lines:
        """basis [C, V, 3] in the mesh's own space and unit."""
        turn = torch.from_numpy(self.face.to_head.scale * self.face.to_head.rotation.T).float()

        def at(points: Tensor) -> Tensor:
            return basis[:, points].float().cpu() @ turn

        upper, lower = self.pairs
        right, left = self.corners[:1], self.corners[1:]
        return Lines(
            parting=(at(upper) - at(lower))[..., 1],
            corners=(at(left) - at(right))[:, 0],
            lip=at(self.lower_lip),
        )


def moved(weights: Tensor, lines: Lines) -> Lines:
    """What weights [f, C] of directions do in f frames."""
    weights = weights.to(lines.parting)
    lip = (weights @ lines.lip.flatten(1)).unflatten(1, lines.lip.shape[1:])
    return Lines(weights @ lines.parting, weights @ lines.corners, lip)


def added(a: Lines, b: Lines) -> Lines:
    return Lines(a.parting + b.parting, a.corners + b.corners, a.lip + b.lip)
