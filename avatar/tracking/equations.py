"""Normal equations of one frame: how a face must change for its points to go where they are seen.

Whatever is seen of a face (a landmark, a colour, its outline) is told as a quadratic in the place
of a projected point, so that all of it is gathered by the same few lines. Unknowns of a frame, in
this order: the turn and the shift of the head in camera axes, the weights of the units, the
coefficients of the person, and the logarithm of the focal length.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.tracking.model import PointModel
from avatar.tracking.state import Moment, Person

TINY = 1e-12


@dataclass(frozen=True)
class Placed:
    """Points of a face in one frame."""

    turned: Tensor  # [P, 3] camera axes, about the head's own origin
    camera: Tensor  # [P, 3] metres in camera space
    pixels: Tensor  # [P, 2]


@dataclass(frozen=True)
class Pulls:
    """What a picture wants of points: the energy ½ dᵀ Λ d + ηᵀ d for a change d of their pixels."""

    information: Tensor  # [P, 2, 2] Λ, symmetric and not negative
    gradient: Tensor  # [P, 2] η


@dataclass(frozen=True)
class Equations:
    """½ xᵀ system x + gradientᵀ x for the step x of the unknowns."""

    system: Tensor  # [K, K]
    gradient: Tensor  # [K]

    def __add__(self, other: "Equations") -> "Equations":
        return Equations(self.system + other.system, self.gradient + other.gradient)


def place(points: PointModel, person: Person, moment: Moment) -> Placed:
    """Where points are. Their basis may have the person's modes, or only units (of_person)."""
    coefficients = moment.weights.to(points.basis)
    if points.basis.shape[2] > points.units:
        coefficients = torch.cat([coefficients, person.shape.to(points.basis)])
    at_rest = points.mean + points.basis @ coefficients
    turned = at_rest @ moment.rotation.to(at_rest).T
    camera = turned + moment.translation.to(at_rest)
    centre = torch.tensor(person.centre).to(at_rest)
    pixels = person.focal * camera[:, :2] / camera[:, 2:] + centre
    return Placed(turned, camera, pixels)


def normal_equations(
    points: PointModel, person: Person, moment: Moment, placed: Placed, pulls: Pulls
) -> Equations:
    """Gauss-Newton's equations of the pulls, without any prior. Without the person's modes in
    `points` the focal length is no unknown either."""
    root, right = _factored(pulls)
    rows = (root @ _projection(person, placed)).flatten(0, 1)  # [2 P, 3]
    turns = torch.linalg.cross(placed.turned.repeat_interleave(2, 0), rows)
    in_head = (rows @ moment.rotation.to(rows)).view(-1, 2, 3)
    columns = [turns, rows, torch.bmm(in_head, points.basis).flatten(0, 1)]
    if points.basis.shape[2] > points.units:
        away = placed.pixels - torch.tensor(person.centre).to(rows)
        columns.append((root @ away[:, :, None]).flatten(0, 1))
    jacobian = torch.cat(columns, 1)  # [2 P, K]
    return Equations((jacobian.T @ jacobian).double(), (jacobian.T @ right).double())


def _factored(pulls: Pulls) -> tuple[Tensor, Tensor]:
    """Upper triangular roots R [P, 2, 2] with RᵀR = Λ, and right sides [2 P] e with Rᵀe = η."""
    (xx, xy), yy = pulls.information[:, 0].unbind(1), pulls.information[:, 1, 1]
    a = xx.clamp(min=TINY).sqrt()
    b = xy / a
    d = (yy - b * b).clamp(min=TINY).sqrt()
    first = pulls.gradient[:, 0] / a
    second = (pulls.gradient[:, 1] - b * first) / d
    root = torch.stack([a, b, torch.zeros_like(a), d], 1).view(-1, 2, 2)
    return root, torch.stack([first, second], 1).flatten()


def _projection(person: Person, placed: Placed) -> Tensor:
    """[P, 2, 3] how pixels change with points in camera space (metres)."""
    scale = person.focal / placed.camera[:, 2]
    away = (placed.pixels - torch.tensor(person.centre).to(scale)) / placed.camera[:, 2:]
    nothing = torch.zeros_like(scale)
    across = torch.stack([scale, nothing, -away[:, 0]], 1)
    down = torch.stack([nothing, scale, -away[:, 1]], 1)
    return torch.stack([across, down], 1)
