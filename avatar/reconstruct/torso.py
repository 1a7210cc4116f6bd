"""The static torso below a head, seen by one static camera: a depth map with the depth of
shoulders."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from avatar.geometry.edges import open_edges
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.visual_hull import sight_lines
from splat import Camera

OFTEN = 0.3  # of the frames in which a pixel must be torso to be static
LEAST = 0.005  # of the triangles: those that a turn of the head moves least
SIZE = 0.7  # standard deviation, in units of the spacing
NECK = 0.06  # metres: half the width up to which a body is round
FLAT = 0.3  # by how much deeper it gets for each metre of half its width beyond that
STUMP, STUMP_SPACING = 0.06, 0.005  # metres
SMOOTH = 0.01  # of the picture's height, by which widths are smoothed


@dataclass(frozen=True)
class StaticTorso:
    """The static part of the picture."""

    pixels: Tensor  # [H, W] bool
    seen: Sequence[tuple[Picture, Tensor]]  # pictures, and their static pixels [H, W] bool


def static_pixels(loose: Tensor) -> Tensor:
    """Pixels [H, W] that are often neither hair, nor face, nor background: loose [M, H, W] bool."""
    return loose.float().mean(0) > OFTEN


def static_triangles(mesh: Mesh, head: Head | None) -> Tensor:
    """Rows [m] of the triangles that turns of the head move least, the neck's end; the lowest ones
    where the parts of the mesh are not known."""
    moved = mesh.vertices[:, 1] if head is None else head.pose_weights
    return moved[mesh.faces].amax(1).argsort()[: max(1, round(LEAST * len(mesh.faces)))]


def torso_points(
    camera: Camera, static: StaticTorso, neck: Tensor, most: int
) -> tuple[Tensor, Tensor, Tensor]:
    """At most `most` points [P, 3] of the torso, their colours [P, 3] and sizes [P] in metres.

    neck [m, 3, 3]: triangles of the neck's end in the world; its middle is as far away as the
    middle of the body.
    """
    middle = neck.flatten(0, 1).mean(0) @ camera.viewmat[2, :3] + camera.viewmat[2, 3]
    stride = max(1, int(np.ceil((float(static.pixels.sum()) / most) ** 0.5)))
    rows, columns = static.pixels[::stride, ::stride].nonzero().mul(stride).unbind(-1)
    colours = median_colours(static, rows, columns)
    depths = torso_depths(static.pixels, float(middle), float(camera.K[0, 0]))[rows, columns]
    eye, rays = sight_lines(camera, rows, columns)
    along = depths / (rays @ camera.viewmat[2, :3])
    sizes = SIZE * stride * depths / float(camera.K[0, 0])
    return eye + rays * along[:, None], colours, sizes


def neck_stump(mesh: Mesh, head: Head) -> Tensor:
    """Points [P, 3], STUMP_SPACING apart, that go on with the neck [V, 3] behind the clothes."""
    edges = torch.from_numpy(open_edges(mesh.faces.numpy()).astype(np.int64))
    ends = mesh.vertices[edges[(head.pose_weights[edges] == 0).all(1)]]  # [E, 2, 3]
    count = int((ends[:, 1] - ends[:, 0]).norm(dim=1).amax() / STUMP_SPACING) + 1
    share = (torch.arange(count) / count)[:, None, None]
    ring = torch.lerp(ends[:, 0], ends[:, 1], share).flatten(0, 1)  # [R, 3]
    up = mesh.vertices[head.regions["scalp"]].mean(0) - ring.mean(0)
    down = torch.arange(STUMP_SPACING, STUMP, STUMP_SPACING)[:, None, None] * -up / up.norm()
    return (ring + down).flatten(0, 1)


def median_colours(static: StaticTorso, rows: Tensor, columns: Tensor) -> Tensor:
    """Colours [P, 3] in [0, 1]: medians over the pictures that show the pixels."""
    visible = torch.stack([loose[rows, columns] for _, loose in static.seen])  # [M, P]
    colours = torch.stack(
        [
            torch.from_numpy(picture.color)[rows, columns].float()
            / torch.from_numpy(picture.mask)[rows, columns, None].clamp(min=1)
            for picture, _ in static.seen
        ]
    )
    return torch.where(visible[..., None], colours, torch.nan).nanmedian(0).values


def torso_depths(pixels: Tensor, middle: float, focal: float) -> Tensor:
    """Depths [H, W] in metres of a body whose rows bulge towards the camera, from a depth in
    metres at their ends: parabolas, which unlike ellipses are not steep there."""
    height, width = pixels.shape
    columns = torch.arange(width) + 0.5
    left = torch.where(pixels, columns, torch.inf).amin(1)
    right = torch.where(pixels, columns, -torch.inf).amax(1)
    filled = pixels.any(1)
    ends = np.stack([_filled_in(end.numpy(), filled.numpy()) for end in (left, right)])
    low, high = torch.from_numpy(gaussian_filter1d(ends, SMOOTH * height, mode="nearest")).float()
    half = ((high - low) / 2).clamp(min=1)  # [H] pixels
    across = ((columns - ((low + high) / 2)[:, None]) / half[:, None]).clamp(-1, 1)
    metres = half * middle / focal
    deep = torch.where(metres < NECK, metres, NECK + FLAT * (metres - NECK))
    return middle - deep[:, None] * (1 - across.square())


def _filled_in(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values [H] with the unknown ones as those next to them."""
    positions = np.arange(len(values))
    return np.interp(positions, positions[known], values[known])
