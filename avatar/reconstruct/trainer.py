"""One training run in memory: the Gaussians, their optimiser, and what a step does."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from avatar.geometry.records import mapped
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import MM
from avatar.reconstruct.bound_gaussians import (
    PARTS,
    RATES,
    BoundGaussians,
    halved,
    raw_of,
    regroup,
    set_rates,
    start_adam,
)
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture, composite
from avatar.reconstruct.densify import (
    FIRST,
    LAST,
    allowed_at,
    densify,
    screen_gradients,
)
from avatar.reconstruct.losses import (
    FREE_DISTANCE,
    emphasised_pixels,
    photometric_loss,
    position_excess,
    scale_excess,
    thickness,
)
from avatar.reconstruct.options import AvatarTrainOptions
from avatar.reconstruct.previews import one_camera
from avatar.rigging.binding import triangle_frames
from avatar.rigging.blendshapes import Blendshapes, ExpressionSpace
from avatar.rigging.compiled import skinned
from common.training_loop import optimiser_tensors, set_optimiser
from splat import Camera, Gaussians, activate, render

SSIM = 0.2  # of the loss of the picture; the rest is L1
EMPHASIS = 2.0  # by how much errors at the eyes and in and around the mouth count more
WEIGHTS = {
    "position": 0.01,
    "scale": 1.0,
    "thickness": 0.2,
    "opacity": 0.01,  # which thins out what no picture needs
    "seed": 4e-6,
}
"""Of the losses beside that of the picture."""
EVERY = 200  # steps between two rounds of densification
LEAST_SHOWN = 0.1  # what no picture shows counts as shown so far
HIDDEN = 0.1  # of the mean gradient of a picture, below which a Gaussian is hidden
LARGEST = 10 * MM  # of what completes a head: unseen, some would grow to needles
LONGER = math.log(2)  # and what they may become, times their broadest axis


class AvatarTrainer:
    """Learns Gaussians from pictures, a picture a step; nothing is random but by seed and step."""

    def __init__(
        self,
        capture: Capture,
        bound: BoundGaussians,
        region: Tensor,  # [R] vertices where errors count more
        options: AvatarTrainOptions,
        budget: int,  # Gaussians
        device: torch.device,
        shown: Tensor | None = None,  # [N] in [0, 1]: how far completed Gaussians are seen
        space: ExpressionSpace | None = None,  # whose coefficients change Gaussians of the face
    ) -> None:
        self.options, self.budget, self.device = options, budget, device
        self.faces, self.region = capture.faces.to(device), region.to(device)
        self.held = torch.ones(len(self.faces), dtype=torch.bool, device=device)  # [M]
        if shown is not None:  # strands and clothes are far off their triangles
            far = (bound.parts["means"].abs() > FREE_DISTANCE).any(1)
            self.held[bound.binding[far].to(device)] = False
        self.rest = Mesh(capture.rest.to(device), self.faces)
        self.sizes = triangle_frames(self.rest.vertices, self.faces).scales  # [M]
        self.tracked = capture.vertices  # [T, V, 3]
        self.space = space and mapped(space, lambda part: part.to(device))
        self.changing = self._changing()
        self.step = 0
        self.pictures: Iterator[tuple[View, Picture]] = iter(())  # those of the next steps
        self.seen: tuple[View, Picture] | None = None
        self.start = len(bound)
        parts = {name: tensor.to(device) for name, tensor in bound.parts.items()}
        self.bound, self.adam = start_adam(BoundGaussians(parts, bound.binding.to(device)))
        # [2, N] sum of each Gaussian's screen gradients, and in how many pictures it had one
        self.screen = torch.zeros(2, len(bound), device=device)
        self.film = one_camera(capture.splits["train"])
        self.seeds: dict[str, Tensor] = {}
        if shown is not None:
            self.seeds = {name: part.detach().clone() for name, part in self.bound.parts.items()}
            self.seeds["stiffness"] = ((1 - shown) / (shown + LEAST_SHOWN)).to(device)

    @property
    def progress(self) -> float:
        """Share of the steps that are done."""
        return self.step / self.options.steps

    @property
    def degree(self) -> int:
        """Degree of the spherical harmonics that is in use."""
        return min(self.bound.degree, self.step // max(1, self.options.sh_every))

    def prepare(self) -> None:
        """Wait for the picture of the next step."""
        self.seen = self.seen or next(self.pictures)

    def train_step(self) -> dict[str, Tensor]:
        """Learn from the next of the pictures."""
        assert self.seen
        (view, picture), self.seen = self.seen, None
        return self.learn(view, picture)

    def learn(self, view: View, picture: Picture) -> dict[str, Tensor]:
        """Learn from one picture; returns the parts of the loss and the mean squared error."""
        background = self._background()
        camera, target = self._target(view, picture, background)
        vertices = self.tracked[view.timestep].to(self.device)
        world = self.world(vertices)
        world.means.retain_grad()
        rendered = render(world, camera, background=background, with_depth=False)
        drawn = rendered.color
        weights = emphasised_pixels(camera, vertices, self.faces, self.region, EMPHASIS)
        held = self.held[self.bound.binding].nonzero()[:, 0]  # numbers: CUDA waits for each mask
        losses = {
            "picture": photometric_loss(drawn, target, weights, SSIM),
            "position": position_excess(self.bound.parts["means"][held]),
            "scale": scale_excess(self.bound.parts["log_scales"][held]),
            "thickness": thickness(
                self.bound.parts["quats"][held], self.bound.parts["log_scales"][held]
            ),
            "opacity": torch.sigmoid(self.bound.parts["opacity_logits"]).mean(),
            "seed": self._gone(),
        }
        total = losses["picture"]
        for name, weight in WEIGHTS.items():
            total = total + weight * losses[name]
        total.backward()
        if self.film:
            self._spare_hidden(world)
        self._update(camera, world)
        error = (drawn.detach().clamp(0, 1) - target).square().mean()
        return {**{name: loss.detach() for name, loss in losses.items()}, "error": error}

    def _gone(self) -> Tensor:
        """How far completed Gaussians have gone from what they were at the start, squared, in
        learning rates; the less they are seen, the more it counts."""
        total = self.rest.vertices.new_zeros(())
        for name, part in self.bound.parts.items() if self.seeds else ():
            if part.numel():
                gone = (part - self.seeds[name]) / RATES[name]
                squares = gone.square().reshape(len(gone), -1).mean(1)
                total = total + (self.seeds["stiffness"] * squares).mean()
        return total

    def world(self, vertices: Tensor) -> Gaussians:
        """The Gaussians on a mesh [V, 3]."""
        local = activate(raw_of(self.bound, self.degree))
        if self.space is not None and self.progress >= LAST:
            coefficients = self.space.coefficients(self.rest.vertices, vertices)
            change = self.bound.parts["changes"] @ coefficients  # [N, 6]
            change = change * self.changing[self.bound.binding]
            sh = torch.cat([local.sh[:, :1] + change[:, None, 3:], local.sh[:, 1:]], 1)
            local = replace(local, means=local.means + change[:, :3], sh=sh)
        return skinned(local, self.bound.binding, vertices, self.faces)

    def _changing(self) -> Tensor:  # [M, 6] bool
        """Which triangles have Gaussians whose means, and colours, change with the expression.

        Colours do only at the eyes and in and around the mouth: that of other skin is rather the
        light on a head that turns as it speaks. Strands and clothes do not.
        """
        points = torch.empty(0, dtype=torch.int64) if self.space is None else self.space.points
        face = torch.isin(self.faces, points.to(self.faces)).any(1) & self.held
        coloured = face & torch.isin(self.faces, self.region).any(1)
        return torch.stack([face, coloured], 1).repeat_interleave(3, 1)

    def blendshapes(self) -> Blendshapes | None:
        """How Gaussians of the face change with the expression, if that was learnt."""
        if self.space is None or not len(self.space.directions):
            return None
        on_part = self.changing[self.bound.binding]  # [N, 6]
        rows = on_part[:, 0].nonzero()[:, 0]
        changes = self.bound.parts["changes"].detach()[rows] * on_part[rows, :, None]
        return mapped(Blendshapes(self.space, rows, changes), lambda part: part.cpu())

    def _spare_hidden(self, world: Gaussians) -> None:
        """Leave the Gaussians that the picture does not show as they are: Adam makes the smallest
        gradient a large step, and the side that a single camera never sees would fade away, or take
        the colour of what lies before it."""
        assert world.means.grad is not None
        size = world.means.grad.norm(dim=1)
        hidden = size < HIDDEN * size.mean()
        for part in self.bound.parts.values():
            if part.grad is not None and part.numel():
                part.grad[hidden] = 0

    def draw(self, view: View, background: Tensor) -> Tensor:
        """The picture [H, W, 3] in [0, 1] of a view as an evaluation draws it: as tracked."""
        with torch.no_grad():
            world = self.world(self.tracked[view.timestep].to(self.device))
            drawn = render(
                world, view.camera, background=background.to(self.device), with_depth=False
            )
        return drawn.color.clamp(0, 1).cpu()

    def _background(self) -> Tensor:  # [3]
        """A colour of each step's own, so that nothing learns to look like a background."""
        generator = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.step)
        return torch.rand(3, generator=generator).to(self.device)

    def _target(self, view: View, picture: Picture, background: Tensor) -> tuple[Camera, Tensor]:
        """Camera and true picture, at half size in the coarse part."""
        target = composite(picture, background)
        if self.progress >= self.options.coarse:
            return view.camera, target
        return halved(view.camera, target)

    @torch.no_grad()
    def _update(self, camera: Camera, world: Gaussians) -> None:
        assert world.means.grad is not None
        gradients = screen_gradients(world.means, world.means.grad, camera)
        self.screen += torch.stack([gradients, (gradients > 0).to(gradients)])
        set_rates(self.adam, self.progress)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        if self.seeds:
            largest = torch.log(LARGEST / self.sizes)[self.bound.binding]
            largest = torch.minimum(largest, self.seeds["log_scales"].amax(1) + LONGER)
            self.bound.parts["log_scales"].clamp_(max=largest[:, None])
        self.step += 1
        self._multiply()

    def _multiply(self) -> None:
        """A round of densification, where it is time for one."""
        if FIRST <= self.progress < LAST and self.step % EVERY == 0:
            allowed = allowed_at(self.progress, self.start, self.budget)
            mean = self.screen[0] / self.screen[1].clamp(min=1)
            change = densify(self.bound, mean, allowed, self.rest)
            self.bound, self.adam = regroup(self.adam, change.bound, change.origin, change.fresh)
            for name, seed in self.seeds.items():
                fresh = change.fresh.view(-1, *[1] * (seed.ndim - 1))
                now = change.bound.parts.get(name, seed[change.origin])
                self.seeds[name] = torch.where(fresh, now, seed[change.origin])
            self.screen = torch.zeros(2, len(self.bound), device=self.device)

    def state(self) -> dict[str, Tensor]:
        """Everything that a continued run needs beside its step and options."""
        tensors = {f"bound.{name}": tensor for name, tensor in self.bound.parts.items()}
        tensors["binding"] = self.bound.binding
        tensors["sums"], tensors["seen"] = self.screen
        tensors |= {f"seed.{name}": part for name, part in self.seeds.items()}
        return tensors | optimiser_tensors(self.adam)

    def set_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `state` gave."""
        placed = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        parts = {name: placed[f"bound.{name}"] for name in PARTS}
        bound = BoundGaussians(parts, placed["binding"])
        self.bound, self.adam = start_adam(bound)
        set_optimiser(self.adam, placed)
        self.seeds = {name: placed[f"seed.{name}"] for name in self.seeds}
        self.screen = torch.stack([placed["sums"], placed["seen"]])
