"""One frame on the CPU, from arrays to arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splat.conventions import RasterizeMode
from splat.cpu.compilation import announce_compilation
from splat.cpu.fields import FIELDS, TILE
from splat.cpu.project import project_gaussians
from splat.cpu.raster import rasterize
from splat.cpu.sort_and_bin import bin_into_tiles, depth_order

Float32s = NDArray[np.float32]


class Scene(NamedTuple):
    """Activated Gaussians and a camera, all contiguous float32."""

    means: Float32s  # [N, 3]
    quats: Float32s  # [N, 4]
    scales: Float32s  # [N, 3]
    opacities: Float32s  # [N]
    sh: Float32s  # [N, K, 3]
    view: Float32s  # [3, 4] world to camera
    position: Float32s  # [3] of the camera in the world
    lens: Float32s  # [6] fx, fy, cx, cy, width, height
    mode: RasterizeMode


class Splats(NamedTuple):
    """Projected Gaussians and the tiles they lie in."""

    fields: Float32s  # [N, FIELDS], see splat.cpu.fields; culled rows are undefined
    rects: NDArray[np.int16]  # [N, 4] tiles x0, x1, y0, y1
    order: NDArray[np.int32]  # [visible] front to back
    starts: NDArray[np.int64]  # [tiles + 1]
    members: NDArray[np.int32]  # [intersections]


class Image(NamedTuple):
    """Blended pixels."""

    colors: Float32s  # [H, W, 3]
    alphas: Float32s  # [H, W]
    depths: Float32s | None  # [H, W] accumulated: sum of weight times depth


def image_size(scene: Scene) -> tuple[int, int]:
    """Width and height in pixels."""
    return int(scene.lens[4]), int(scene.lens[5])


def project_and_bin(scene: Scene) -> Splats:
    """Project, cull, sort by depth and list per tile."""
    n = len(scene.means)
    fields = np.empty((n, FIELDS), np.float32)
    depth_keys = np.empty(n, np.uint32)
    rects = np.empty((n, 4), np.int16)
    width, height = image_size(scene)
    with announce_compilation():
        project_gaussians(*scene[:-1], scene.mode == "antialiased", fields, depth_keys, rects)
        order = depth_order(depth_keys)
        starts, members = bin_into_tiles(order, rects, -(-width // TILE), -(-height // TILE))
    return Splats(fields, rects, order, starts, members)


def blend(splats: Splats, scene: Scene, background: Float32s, with_depth: bool) -> Image:
    """Blend front to back over `background` [3]."""
    width, height = image_size(scene)
    colors = np.empty((height, width, 3), np.float32)
    alphas = np.empty((height, width), np.float32)
    depths = np.empty((height, width), np.float32) if with_depth else None
    tiles_x = -(-width // TILE)
    with announce_compilation():
        rasterize(
            splats.fields,
            splats.starts,
            splats.members,
            tiles_x,
            background,
            colors,
            alphas,
            depths,
        )
    return Image(colors, alphas, depths)
