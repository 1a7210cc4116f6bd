"""The mouth as a mesh, drawn by pytorch3d where that is installed: the same crops, other edges.

Drawing is soft rasterisation (Liu et al., arXiv 1904.01786), so gradients pass the silhouettes too.
"""

import importlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from avatar.heads import Head
from avatar.lipreading.layer import MouthLayer
from avatar.lipreading.render import BACKGROUND, MouthRenderer, layer_of, light_on
from avatar.lipreading.view import FRONT, SIZE, MouthView, light_direction, mouth_camera
from avatar.mesh import vertex_normals
from common.errors import InputError
from splat import Camera

SIGMA = 1e-5  # sharpness of edges, in squared halves of the picture
GAMMA = 1e-3  # metres of depth over which one surface hides another
FACES_PER_PIXEL = 8


class Fragments(NamedTuple):
    """The triangles nearest to each pixel; -1 where there are fewer."""

    pix_to_face: Tensor  # [F, H, W, K] row of the triangle among those of all frames
    zbuf: Tensor  # [F, H, W, K] metres
    bary_coords: Tensor  # [F, H, W, K, 3]
    dists: Tensor  # [F, H, W, K] squared distance to its edge, negative inside


Rasterize = Callable[[Tensor, Tensor, Camera], Fragments]
"""Vertices [F, v, 3], triangles [m, 3] and a camera → fragments."""


def mesh_mouth_renderer(
    head: Head,
    device: torch.device | str = "cpu",
    view: MouthView = FRONT,
    rasterize: Rasterize | None = None,
) -> MouthRenderer:
    """A renderer as `mouth_renderer` makes, but of triangles; without `rasterize`, by pytorch3d.

    InputError if pytorch3d is needed and not installed.
    """
    layer = layer_of(head, torch.device(device))
    camera = mouth_camera(head, view)
    draw = rasterize or pytorch3d_rasterizer()
    light, towards_eye = light_direction(view).to(device), -camera.viewmat[2, :3].to(device)
    nearest = nearest_discs(layer, head.vertices.to(device)[layer.vertices])
    albedo, gloss = layer.albedo[nearest].mean(1), layer.gloss[nearest].mean(1)  # [v]

    def render(vertices: Tensor) -> Tensor:
        mouth = vertices[:, layer.vertices]  # [F, v, 3]
        lit, shine = light_on(vertex_normals(mouth, layer.faces), light, towards_eye, view)
        grey = view.exposure * (albedo * lit + gloss * shine)  # [F, v]
        return blend(draw(mouth, layer.faces, camera), grey[:, layer.faces].flatten(0, 1))

    return render


def blend(fragments: Fragments, grey: Tensor) -> Tensor:
    """Crops [F, H, W] in [0, 1] of fragments and the greys [F·m, 3] of all triangles' corners.

    Each triangle counts by how far the pixel is inside it and how near it is (equations 2 and 5 of
    the paper); the background shines through where all of them end.
    """
    known = fragments.pix_to_face >= 0
    corners = grey[fragments.pix_to_face.clamp_min(0)]  # [F, H, W, K, 3]
    colours = (corners * fragments.bary_coords).sum(-1)
    covered = torch.sigmoid(-fragments.dists / SIGMA) * known
    depth = torch.where(known, fragments.zbuf, math.inf)
    nearest = depth.amin(-1, keepdim=True)
    nearness = torch.where(known, torch.exp((nearest - depth) / GAMMA), 0.0)
    weights = covered * nearness
    surface = (weights * colours).sum(-1) / weights.sum(-1).clamp_min(1e-8)
    alpha = 1 - (1 - covered).prod(-1)
    return (alpha * surface + (1 - alpha) * BACKGROUND).clamp(0, 1)


def nearest_discs(layer: MouthLayer, rest: Tensor) -> Tensor:
    """Rows [v, 3] of the discs nearest to each of the resting mouth's vertices [v, 3]."""
    corners = rest[layer.faces[layer.binding]]  # [N, 3, 3]
    centres = (layer.weights[..., None] * corners).sum(1)
    return torch.cdist(rest, centres).topk(3, largest=False).indices


def why_not_pytorch3d() -> str | None:
    """What keeps pytorch3d from drawing on a CUDA device, or None; tries one triangle.

    InputError where it is not installed at all.
    """
    corners = torch.tensor([[[0.0, 0.0, 1.0], [0.1, 0.0, 1.0], [0.0, 0.1, 1.0]]], device="cuda")
    K = torch.tensor([[SIZE, 0.0, SIZE / 2], [0.0, SIZE, SIZE / 2], [0.0, 0.0, 1.0]])
    draw = pytorch3d_rasterizer()
    try:
        draw(corners, torch.tensor([[0, 1, 2]], device="cuda"), Camera(torch.eye(4), K, SIZE, SIZE))
    except RuntimeError as error:  # it was built without CUDA, or for another device
        return f"pytorch3d does not work here ({str(error).splitlines()[0]})"
    return None


def pytorch3d_rasterizer() -> Rasterize:
    """pytorch3d's rasterizer. InputError where it is not installed."""
    try:
        renderer: Any = importlib.import_module("pytorch3d.renderer")
        structures: Any = importlib.import_module("pytorch3d.structures")
        utils: Any = importlib.import_module("pytorch3d.utils")
    except ImportError as error:
        raise InputError(
            "drawing the mouth as triangles needs pytorch3d, which is not installed and of which "
            "there are no packages to install: docs/models.md says how to build it; or leave "
            "--lipreading.renderer out"
        ) from error
    settings = renderer.RasterizationSettings(
        image_size=SIZE,
        blur_radius=math.log(1 / 1e-4 - 1) * SIGMA,
        faces_per_pixel=FACES_PER_PIXEL,
    )

    def rasterize(vertices: Tensor, faces: Tensor, camera: Camera) -> Fragments:
        viewmat, K = (matrix.to(vertices)[None] for matrix in (camera.viewmat, camera.K))
        size = torch.tensor([[camera.height, camera.width]], device=vertices.device)
        cameras = utils.cameras_from_opencv_projection(
            viewmat[:, :3, :3], viewmat[:, :3, 3], K, size
        )
        meshes = structures.Meshes(vertices, faces.expand(len(vertices), -1, -1))
        drawn = renderer.MeshRasterizer(cameras, settings)(meshes)
        return Fragments(drawn.pix_to_face, drawn.zbuf, drawn.bary_coords, drawn.dists)

    return rasterize
