"""What corrects the pictures of a capture while it is learnt from: smooth displacements of each
frame's mesh, and the colours of each camera, or of each frame of a film."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.geometry.edges import smooth_modes
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.options import RefineOptions

BETAS = (0.9, 0.99)
EPSILON = 1e-15


@dataclass(frozen=True)
class RowAdam:
    """Values of which a step touches one row, with Adam's moments; all change in place."""

    values: Tensor  # [R, ...]
    first: Tensor
    second: Tensor
    steps: Tensor  # [R] int64

    def step(self, row: int, gradient: Tensor, rate: float) -> None:
        """Adam (Kingma and Ba 2015, algorithm 1) on one row."""
        low, high = BETAS
        self.steps[row] += 1
        count = int(self.steps[row])
        self.first[row].lerp_(gradient, 1 - low)
        self.second[row].lerp_(gradient.square(), 1 - high)
        mean = self.first[row] / (1 - low**count)
        deviation = (self.second[row] / (1 - high**count)).sqrt() + EPSILON
        self.values[row] -= rate * mean / deviation


def row_adam(values: Tensor) -> RowAdam:
    """Rows without a past."""
    steps = torch.zeros(len(values), dtype=torch.int64)
    return RowAdam(values, torch.zeros_like(values), torch.zeros_like(values), steps)


def no_colour_change(count: int) -> Tensor:  # [C, 2, 3] log gain, offset
    """No correction of any camera or frame."""
    return torch.zeros(count, 2, 3)


def recolour(subject: Tensor, alpha: Tensor, correction: Tensor) -> Tensor:
    """A drawn subject [H, W, 3], multiplied by its alpha [H, W], as a camera with log gain and
    offset [2, 3] sees it."""
    return subject * correction[0].exp() + alpha[..., None] * correction[1]


MILLIMETRE = 1e-3


class Corrections:
    """Smooth displacements and colours, each learnt only where the options ask for it."""

    def __init__(self, capture: Capture, options: RefineOptions, device: torch.device) -> None:
        views = capture.splits["train"]
        frames, cameras = ({getattr(v, key) for v in views} for key in ("timestep", "camera_id"))
        self.options, self.film = options, len(cameras) == 1
        self.frames = torch.tensor(sorted(frames), device=device)
        self.colour_rows = {
            key: row for row, key in enumerate(sorted(frames if self.film else cameras))
        }
        self.modes = torch.zeros(len(capture.rest), 0, device=device)  # [V, B] smooth shapes
        self.offsets: RowAdam | None = None  # [T, B, 3] their weights
        self.colours: RowAdam | None = None  # [C or T, 2, 3]
        if options.mesh:
            modes = smooth_modes(capture.faces.to(device), options.mesh_modes, len(capture.rest))
            self.modes = modes.to(device)
            shape = len(capture.vertices), modes.shape[1], 3
            self.offsets = row_adam(torch.zeros(shape, device=device))
        if options.colour:
            self.colours = row_adam(no_colour_change(len(self.colour_rows)).to(device))

    def leaves(self, view: View) -> tuple[Tensor | None, Tensor | None]:
        """What corrects this view's mesh [B, 3] and colours [2, 3], as leaves of the graph."""
        shift = recoloured = None
        if self.offsets is not None:
            shift = self.offsets.values[view.timestep].clone().requires_grad_()
        if self.colours is not None:
            recoloured = self.colours.values[self._colour_row(view)].clone().requires_grad_()
        return shift, recoloured

    def penalty(self, shift: Tensor) -> Tensor:
        """The part of the loss that keeps displacements by weights [B, 3] small."""
        offsets_mm = (self.modes @ shift) / MILLIMETRE
        return self.options.mesh_weight * offsets_mm.square().mean()

    def learn(
        self, view: View, shift: Tensor | None, recoloured: Tensor | None, fallen: float
    ) -> None:
        """A step by the gradients of a view's leaves; fallen: share of the rates that is left."""
        if shift is not None and self.offsets is not None:
            assert shift.grad is not None
            self.offsets.step(view.timestep, shift.grad, self.options.mesh_rate * fallen)
            common = self.offsets.values[self.frames].mean(0)  # of all: the avatar's own
            self.offsets.values[self.frames] -= common
        if recoloured is not None and self.colours is not None:
            assert recoloured.grad is not None
            row = self._colour_row(view)
            self.colours.step(row, recoloured.grad, self.options.colour_rate * fallen)
            self.colours.values.sub_(self.colours.values.mean(0))  # all alike is the avatar's own

    def state(self) -> dict[str, Tensor]:
        """All that changes."""
        return {
            f"{name}.{key}": tensor
            for name, rows in self._learnt()
            for key, tensor in vars(rows).items()
        }

    def set_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `state` gave."""
        for name, rows in self._learnt():
            setattr(self, name, RowAdam(**{key: tensors[f"{name}.{key}"] for key in vars(rows)}))

    def _learnt(self) -> Iterator[tuple[str, RowAdam]]:
        for name, rows in (("offsets", self.offsets), ("colours", self.colours)):
            if rows is not None:
                yield name, rows

    def _colour_row(self, view: View) -> int:
        """Which of the colours a view has: its camera's, or in a film its frame's."""
        return self.colour_rows[view.timestep if self.film else view.camera_id]
