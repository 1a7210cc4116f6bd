"""Figures of one view and their means over many: PSNR, SSIM and LPIPS of pictures [H, W, 3] in
[0, 1], of the whole picture and of the parts of the head; and the opening of the lips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from avatar.geometry.zbuffer import NOTHING, project_samples, rasterize
from avatar.heads import Head
from avatar.reconstruct.capture import View
from avatar.reconstruct.losses import WINDOW, ssim_map
from avatar.vision.follow import FaceFinder, faces_in_picture
from avatar.vision.landmarks import mouth_of
from research.evaluation.figures import mean
from splat import Camera, orbit

if TYPE_CHECKING:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity


REGIONS = ("skin", "hair", "eyes", "mouth")
"""Labels 1 to 4 of a label picture, in this order; 0 is the background."""
PARTS = {"hair": ("scalp",), "eyes": ("eyes",), "mouth": ("inner_mouth", "teeth", "tongue")}
"""Regions of pixels by the regions of a head's vertices; the rest is skin."""
AZIMUTHS, ELEVATIONS = range(-90, 91, 30), (-40, 0, 40)  # degrees, from where a face is looked over
FINE = 512  # pixels of a look

Labeller = Callable[[View], Tensor]
"""View → labels [H, W] int64"""


def triangle_regions(head: Head, faces: Tensor) -> Tensor:
    """The label [M] of every triangle: that of a part which holds all its corners, or skin.

    What is seen of the resting head, whose lips are sealed, is not inside the mouth.
    """
    outside = seen_at_rest(head.vertices, faces)
    labels = torch.ones(len(faces), dtype=torch.int64)
    for name, parts in PARTS.items():
        inside = torch.zeros(len(head.vertices), dtype=torch.bool)
        inside[torch.cat([head.regions[part] for part in parts])] = True
        if name == "mouth":
            inside &= ~outside
        labels[inside[faces].all(1)] = 1 + REGIONS.index(name)
    return labels


def seen_at_rest(vertices: Tensor, faces: Tensor) -> Tensor:
    """Which vertices [V] of a head [V, 3] belong to a triangle that is seen from some side."""
    seen = torch.zeros(len(vertices), dtype=torch.bool)
    middle = (vertices.amin(0) + vertices.amax(0)) / 2
    distance = 4 * float((vertices.amax(0) - vertices.amin(0)).norm())
    for azimuth in AZIMUTHS:
        for elevation in ELEVATIONS:
            camera = orbit(middle, distance, azimuth, elevation, 15.0, FINE, FINE)
            found = _seen(vertices, faces, camera).unique()
            seen[faces[found[found != NOTHING]]] = True
    return seen


def mesh_labeller(head: Head, vertices: Tensor, faces: Tensor) -> Labeller:
    """Labels from the tracked meshes [T, V, 3]: the region of the triangle seen in each pixel."""
    by_triangle = torch.cat([triangle_regions(head, faces), torch.zeros(1, dtype=torch.int64)])
    return lambda view: by_triangle[_seen(vertices[view.timestep], faces, view.camera)]


def _seen(vertices: Tensor, faces: Tensor, camera: Camera) -> Tensor:
    """The triangle seen in each pixel [H, W], or NOTHING, which is the last row of a list."""
    corners = project_samples(camera, vertices.numpy())
    fragments = rasterize(corners, faces.numpy(), camera.height, camera.width)
    return torch.from_numpy(fragments.faces).to(torch.int64)


LEAST_ERROR = 1e-10
"""The mean squared error from which on pictures count as the same: 100 dB."""
SMALLEST = WINDOW
"""Pixels: the width of SSIM's window."""
SMALLEST_LPIPS = 64
"""Pixels: what its network can take in."""
BACKBONE = "AlexNet_Weights"
"""The network of LPIPS, as the papers on head avatars have it."""

Metric = Callable[[Tensor, Tensor], float | None]


def psnr(drawn: Tensor, truth: Tensor, where: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB, at most 100; of the pixels `where` [H, W] is true."""
    squares = (drawn - truth).square()
    error = squares.mean() if where is None else squares[where].mean()
    return float(-10 * torch.log10(error.clamp(min=LEAST_ERROR)))


def ssim(drawn: Tensor, truth: Tensor) -> tuple[float, Tensor]:
    """Structural similarity and its map [H, W], the mean of the channels.

    Wang et al. 2004; Gaussian window of 11 pixels, σ 1.5; pictures are mirrored at their borders.
    """
    local = ssim_map(_mirrored(drawn), _mirrored(truth)).mean(-1)
    return float(local.mean()), local


def local_lpips() -> tuple[Metric | None, str]:
    """LPIPS (Zhang et al. 2018), or None, and what there is to say about it; downloads nothing."""
    if find_spec("torchvision") is None:
        return None, "LPIPS is left out: torchvision, which holds its network, is not installed"
    models = import_module("torchvision.models")
    name = Path(getattr(models, BACKBONE).DEFAULT.url).name
    weights = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not weights.is_file():
        return None, f"LPIPS is left out: its network's weights are not at {weights}"
    return _lpips, f"LPIPS with the weights at {weights}"


def _lpips(drawn: Tensor, truth: Tensor) -> float | None:
    if min(drawn.shape[:2]) < SMALLEST_LPIPS:
        return None
    return float(_lpips_network()(_batch(drawn), _batch(truth)))


@cache
def _lpips_network() -> "LearnedPerceptualImagePatchSimilarity":
    from torchmetrics.image.lpip import (  # noqa: PLC0415  brings transformers, which take seconds
        LearnedPerceptualImagePatchSimilarity,
    )

    return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)


def _mirrored(picture: Tensor) -> Tensor:
    """A picture with a border of half a window."""
    return functional.pad(_batch(picture), [WINDOW // 2] * 4, mode="reflect")[0].permute(1, 2, 0)


def _batch(picture: Tensor) -> Tensor:  # [1, 3, H, W]
    return picture.permute(2, 0, 1)[None].contiguous()


PERSON = "person"
"""The region of the mask, with whatever is worn."""
FEWEST = 16
"""Pixels that a region must have in a view to count there."""
SOLID = 127
"""Of 255: above it a mask counts as the person."""


@dataclass(frozen=True)
class Scores:
    """Figures of one view or means over several; None where there is nothing to measure."""

    psnr: float | None  # dB
    ssim: float | None
    lpips: float | None
    views: int = 1


@dataclass(frozen=True)
class ViewScores:
    """One view: all of it, and those of its regions that are seen."""

    whole: Scores
    regions: dict[str, Scores] = field(default_factory=dict)


def score_view(
    drawn: Tensor, truth: Tensor, labels: Tensor, person: Tensor, lpips: Metric | None
) -> ViewScores:
    """Compare two pictures [H, W, 3] in [0, 1]; labels [H, W] as in REGIONS, person [H, W] bool.

    A region's PSNR and SSIM are those of its pixels alone; LPIPS has no such part.
    """
    index, local = ssim(drawn, truth)
    perceived = lpips(drawn, truth) if lpips else None
    whole = Scores(psnr(drawn, truth), index, perceived)
    masks = {name: labels == 1 + number for number, name in enumerate(REGIONS)}
    masks[PERSON] = person
    regions = {
        name: Scores(psnr(drawn, truth, mask), float(local[mask].mean()), None)
        for name, mask in masks.items()
        if int(mask.sum()) >= FEWEST
    }
    return ViewScores(whole, regions)


def mean_scores(views: Sequence[ViewScores]) -> ViewScores:
    """The mean over views; a region's over the views that show it."""
    regions = {
        name: _mean([view.regions[name] for view in views if name in view.regions])
        for name in (PERSON, *REGIONS)
    }
    return ViewScores(_mean([view.whole for view in views]), regions)


def _mean(scores: Sequence[Scores]) -> Scores:
    return Scores(
        mean(each.psnr for each in scores),
        mean(each.ssim for each in scores),
        mean(each.lpips for each in scores),
        len(scores),
    )


def lip_opening(finder: FaceFinder, picture: Tensor) -> float | None:
    """The gap between the lips of the largest face in a picture [H, W, 3] in [0, 1], as a share of
    the distance between the outer corners of the eyes; None without a face."""
    faces = faces_in_picture(finder, picture.to(finder.landmarks.device), small=False).points
    return float(mouth_of(faces)[0][0]) if len(faces) else None
