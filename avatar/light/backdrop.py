"""The light itself behind the head: its picture, blurred, as a camera sees it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from avatar.light.environment import HEIGHT, WIDTH, Course, Environment, pixel_directions
from avatar.light.mirror import blurred
from avatar.light.tone import tone
from avatar.mesh.vectors import Floats
from splat import Camera

SHARPNESS = 120.0  # of the spherical Gaussian that blurs it: some 5 degrees

Backdrop = Callable[[Camera, float], Tensor | None]
"""(camera, seconds) → the picture [H, W, 3] float32 behind everything, in [0, 1]."""


def backdrop(light: Environment, course: Course, R_world_ahead: Floats) -> Backdrop:
    """The picture of a light; R_world_ahead [3, 3]: where azimuth 0 lies in the world."""
    places = pixel_directions(HEIGHT, WIDTH).reshape(-1, 3)
    sky = tone(blurred(light, places, SHARPNESS)).reshape(HEIGHT, WIDTH, 3)
    ends = np.concatenate([sky[:, -1:], sky, sky[:, :1]], axis=1)  # so that it closes behind
    picture = torch.from_numpy(ends.astype(np.float32)).permute(2, 0, 1)[None]
    seen: dict[tuple[bytes, float], Tensor] = {}

    def behind(camera: Camera, seconds: float) -> Tensor:
        degrees = course.turn + course.spin * seconds
        view = torch.cat([camera.viewmat.flatten(), camera.K.flatten()])
        key = view.double().numpy().tobytes(), degrees
        picture_behind = seen.get(key)
        if picture_behind is None:
            R_world_light = torch.from_numpy(R_world_ahead @ course.after(seconds))
            places = _places(_rays(camera) @ R_world_light.float())
            drawn = grid_sample(picture, places[None], padding_mode="border", align_corners=False)
            picture_behind = drawn[0].permute(1, 2, 0).contiguous()
            seen.clear()
            seen[key] = picture_behind
        return picture_behind

    return behind


def _rays(camera: Camera) -> Tensor:
    """Where each pixel looks to in the world [H, W, 3], not unit."""
    y, x = torch.meshgrid(
        torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij"
    )
    pixels = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    return pixels @ torch.linalg.inv(camera.K).T @ camera.viewmat[:3, :3]


def _places(directions: Tensor) -> Tensor:
    """Where in an equirectangular picture, a column wider at both ends, directions [..., 3] lie:
    [..., 2] from -1 to 1."""
    x, y, z = directions.unbind(-1)
    across = -torch.atan2(x, z) / torch.pi * WIDTH / (WIDTH + 2)
    down = -torch.atan2(y, torch.hypot(x, z)) / (torch.pi / 2)
    return torch.stack([across, down], dim=-1)
