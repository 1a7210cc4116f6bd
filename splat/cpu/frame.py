"""One frame on the CPU, from arrays to arrays, and back for the gradients."""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from common.kernels import compile_beside
from common.pixels import Bytes, as_bytes
from splat.cpu.backward import SUMS, rasterize_backward
from splat.cpu.fields import FIELDS, TILE
from splat.cpu.project import project_gaussians
from splat.cpu.project_backward import CAMERA_SUMS, project_backward, sh_backward
from splat.cpu.raster import rasterize
from splat.cpu.sort_and_bin import bin_into_tiles, chunk_count, depth_order

Floats = NDArray[np.float32]


class Scene(NamedTuple):
    """Activated Gaussians, or the gradients by them; contiguous."""

    means: Floats  # [N, 3]
    quats: Floats  # [N, 4]
    scales: Floats  # [N, 3]
    opacities: Floats  # [N]
    sh: Floats  # [N, K, 3]


class View(NamedTuple):
    """A camera as the kernels take it."""

    view: Floats  # [3, 4] world to camera
    position: Floats  # [3] in the world
    lens: Floats  # [6] fx, fy, cx, cy, width, height
    antialiased: bool

    @property
    def tiles(self) -> tuple[int, int]:
        """Tiles across and down."""
        return -(-int(self.lens[4]) // TILE), -(-int(self.lens[5]) // TILE)


class Splats(NamedTuple):
    """Projected Gaussians and the tiles they lie in."""

    fields: Floats  # [N, FIELDS], see splat.cpu.fields; culled rows are undefined
    rects: NDArray[np.int16]  # [N, 4] tiles x0, x1, y0, y1
    starts: NDArray[np.int64]  # [tiles + 1]
    members: NDArray[np.int32]  # [intersections]


class Image(NamedTuple):
    """Blended pixels, or the gradients by them."""

    colors: Floats  # [H, W, 3]
    alphas: Floats  # [H, W]
    depths: Floats | None  # [H, W] accumulated: sum of weight times depth


def project_and_bin(scene: Scene, view: View) -> Splats:
    """Project, cull, sort by depth and list per tile."""
    n = len(scene.means)
    fields = np.empty((n, FIELDS), np.float32)
    keys = np.empty(n, np.uint32)
    rects = np.empty((n, 4), np.int16)
    project_gaussians(*scene, *view, fields, keys, rects)
    chunks = chunk_count(get_num_threads())
    starts, members = bin_into_tiles(depth_order(keys), rects, *view.tiles, chunks)
    return Splats(fields, rects, starts, members)


def blend(splats: Splats, view: View, background: Floats, with_depth: bool) -> Image:
    """Blend front to back over `background` [3]."""
    size = int(view.lens[5]), int(view.lens[4])
    depths = np.zeros(size, np.float32) if with_depth else None
    image = Image(_filled(size, background), np.zeros(size, np.float32), depths)
    _rasterize(splats, view, background, *image)
    return image


def blend_bytes(splats: Splats, view: View, background: Floats) -> Bytes:
    """The same as [H, W, 3] in 0..255."""
    colors = _filled((int(view.lens[5]), int(view.lens[4])), as_bytes(background))
    _rasterize(splats, view, background, colors, None, None)
    return colors


def _filled(size: tuple[int, int], color: NDArray) -> NDArray:
    """A picture [H, W, 3] of one colour [3]."""
    row = np.tile(color, size[1])
    return np.broadcast_to(row, (size[0], row.size)).copy().reshape(*size, 3)


def _rasterize(splats: Splats, view: View, *image: NDArray | None) -> None:
    rasterize(splats.fields, splats.starts, splats.members, view.tiles[0], *image)


def begin_compiling() -> None:
    """Let other processes compile what `project_and_bin` and `blend_bytes` need."""
    compile_beside(_project_nothing, project_gaussians)
    compile_beside(_blend_nothing, depth_order, bin_into_tiles, rasterize)


def _project_nothing() -> None:
    nothing = Scene(*(np.empty(shape, np.float32) for shape in _NOTHING))
    fields, keys = np.empty((0, FIELDS), np.float32), np.empty(0, np.uint32)
    rects = np.empty((0, 4), np.int16)
    project_gaussians(*nothing, *_TINY, fields, keys, rects)


def _blend_nothing() -> None:
    no_rects = np.empty((0, 4), np.int16)
    starts, members = bin_into_tiles(depth_order(np.empty(0, np.uint32)), no_rects, *_TINY.tiles, 1)
    splats = Splats(np.empty((0, FIELDS), np.float32), no_rects, starts, members)
    blend_bytes(splats, _TINY, np.zeros(3, np.float32))


_NOTHING = (0, 3), (0, 4), (0, 3), (0,), (0, 1, 3)  # shapes of a scene
_TINY = View(
    np.eye(3, 4, dtype=np.float32),
    np.zeros(3, np.float32),
    np.array((1, 1, 8, 8, TILE, TILE), np.float32),
    antialiased=False,
)


def slots(rects: NDArray[np.int16]) -> NDArray[np.int64]:  # [N + 1]
    """Where the tiles of each Gaussian begin, when they are numbered Gaussian by Gaussian."""
    sizes = rects.astype(np.int64)
    result = np.zeros(len(rects) + 1, np.int64)
    np.cumsum((sizes[:, 1] - sizes[:, 0]) * (sizes[:, 3] - sizes[:, 2]), out=result[1:])
    return result


def gradients(
    scene: Scene, view: View, splats: Splats, image: Image | None, image_gradients: Image
) -> tuple[Scene, NDArray[np.float64]]:
    """Gradients by the Gaussians, and [15] by the camera as `project_backward` returns them.

    `image` must have been blended over black and with depth; None: only gradients by `scene.sh`.
    """
    first_slots = slots(splats.rects)
    sums = np.zeros((len(splats.members), SUMS), np.float32)
    result = Scene(*(np.zeros_like(array) for array in scene))
    rasterize_backward(
        splats.fields,
        splats.rects,
        first_slots,
        splats.starts,
        splats.members,
        view.tiles[0],
        None if image is None else tuple(image),
        tuple(image_gradients),
        sums,
    )
    found = splats.fields, first_slots, sums
    if image is None:
        sh_backward(scene.means, scene.sh, view.position, *found, result.sh)
        return result, np.zeros(CAMERA_SUMS)
    camera = project_backward(tuple(scene), *view, *found, tuple(result))
    return result, camera
