"""Vertices → grey crops of the mouth, differentiable."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from avatar.geometry.records import mapped
from avatar.geometry.triangle_mesh import vertex_normals
from avatar.heads import Head, load_head
from avatar.people.masks import fractal_noise
from avatar.rigging.binding import TriangleFrames, to_world, triangle_frames
from research.lipreading.layer import MouthLayer, mouth_layer
from research.lipreading.mouth_view import FRONT, MouthView, light_direction, mouth_camera
from research.lipreading.people import PLAIN, Look
from splat import Gaussians, render, rgb_to_sh

GLOSS_EXPONENT = 16.0
_BLOTCHES = 120.0  # grid cells per metre of the coarsest noise
BACKGROUND = 0.25  # the shade under the chin

MouthRenderer = Callable[[Tensor], Tensor]
"""Vertices [F, V, 3] in head space, without head pose → grey crops [F, 88, 88] in [0, 1]."""


def mouth_renderer(
    head: Head,
    device: torch.device | str = "cpu",
    view: MouthView = FRONT,
    look: Look = PLAIN,
) -> MouthRenderer:
    """A differentiable render of a head's mouth in a fixed frame around where it rests.

    Each call draws all frames with `splat.render`; gradients reach the mouth's vertices only. The
    head is taken in its resting identity, but any vertices of its topology may be drawn.
    """
    layer = layer_of(head, torch.device(device))
    camera = mouth_camera(head, view)
    camera = replace(camera, viewmat=camera.viewmat.to(device), K=camera.K.to(device))
    light = light_direction(view).to(device)
    towards_eye = -camera.viewmat[2, :3]
    background = torch.full((3,), BACKGROUND, device=device)
    albedo, gloss = (values.to(device) for values in painted(head, look))

    def draw(vertices: Tensor) -> Tensor:
        mouth = vertices[:, layer.vertices]  # [F, v, 3]
        lit, shine = light_on(vertex_normals(mouth, layer.faces), light, towards_eye, view)
        lit, shine = _at_discs(layer, lit), _at_discs(layer, shine)  # after Gouraud
        grey = view.exposure * (albedo * lit + gloss * shine)  # [F, N]
        posed = _posed(layer, triangle_frames(mouth, layer.faces))
        frames = [
            render(
                replace(gaussians, sh=rgb_to_sh(shade[:, None].expand(-1, 3))[:, None]),
                camera,
                background=background,
                with_depth=False,
            ).color[..., 0]
            for gaussians, shade in zip(posed, grey, strict=True)
        ]
        return torch.stack(frames).clamp(0, 1)

    return draw


@cache
def _layer(topology: str) -> MouthLayer:
    return mouth_layer(load_head(topology))


def layer_of(head: Head, device: torch.device) -> MouthLayer:
    """The head's mouth, made once per process."""
    return mapped(_layer(head.topology), lambda values: values.to(device))


def painted(head: Head, look: Look) -> tuple[Tensor, Tensor]:
    """Albedo [N] and gloss [N] of the discs of a head's mouth."""
    layer = layer_of(head, torch.device("cpu"))
    corners = head.vertices[layer.vertices][layer.faces[layer.binding]]  # [N, 3, 3]
    positions = (layer.weights[..., None] * corners).sum(1)
    return layer.paint @ look.greys * blotched(look, positions), layer.gloss * look.gloss


def blotched(look: Look, positions: Tensor) -> Tensor:
    """Factors [n] on the paint of a look at positions [n, 3] of the resting face, metres."""
    if look.blotches == 0:
        return torch.ones(len(positions))
    noise = fractal_noise(positions.double().numpy(), _BLOTCHES, seed=look.seed)
    return torch.from_numpy(1 + look.blotches * noise).float()


def _posed(layer: MouthLayer, frames: TriangleFrames) -> list[Gaussians]:
    """The discs in head space in each frame; all frames are moved at once, as one large mesh."""
    count, triangles = frames.scales.shape
    every = TriangleFrames(
        frames.R_world_tri.flatten(0, 1),
        frames.origins_world.flatten(0, 1),
        frames.scales.flatten(),
    )
    first = torch.arange(count, device=layer.binding.device) * triangles
    binding = (layer.binding + first[:, None]).flatten()
    repeated = mapped(layer.local, lambda v: v.expand(count, *v.shape).flatten(0, 1))
    world = vars(to_world(repeated, binding, every))
    parts = zip(*(world[f.name].chunk(count) for f in fields(Gaussians)), strict=True)
    return [Gaussians(*part) for part in parts]


def light_on(
    normals: Tensor, light: Tensor, towards_eye: Tensor, view: MouthView
) -> tuple[Tensor, Tensor]:
    """Light [F, v] on surfaces with these normals [F, v, 3], and the height of the highlight.

    Light comes from everywhere and, half-Lambert, from one side.
    """
    halfway = functional.normalize(light + towards_eye, dim=0)
    lit = view.ambient + (1 - view.ambient) * (0.5 + 0.5 * (normals @ light)).square()
    shine = (1 - view.ambient) * 2 * functional.relu(normals @ halfway) ** GLOSS_EXPONENT
    return lit, shine


def _at_discs(layer: MouthLayer, values: Tensor) -> Tensor:
    """Values [F, v] at vertices interpolated to discs [F, N]."""
    corners = layer.faces[layer.binding]  # [N, 3]
    first, second, third = (values[:, corners[:, k]] * layer.weights[:, k] for k in range(3))
    return first + second + third
