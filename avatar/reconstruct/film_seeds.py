"""Initial Gaussians of a film from one camera, and previews of an unfinished avatar.

In head space the camera moves as the head turns, so that frames act as cameras of a visual hull
(see `avatar.reconstruct.visual_hull`); the static torso is seen from one side only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
from torch import Tensor

from avatar.geometry.similarity import fit_similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import project
from avatar.heads import Head
from avatar.reconstruct.bound_gaussians import BoundGaussians
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture, composite, read_labels, read_picture
from avatar.reconstruct.capture_reader import shuffled
from avatar.reconstruct.hair_shell import hair_shell
from avatar.reconstruct.torso import (
    SIZE,
    STUMP_SPACING,
    StaticTorso,
    neck_stump,
    static_pixels,
    static_triangles,
    torso_points,
)
from avatar.reconstruct.visual_hull import look_up, nearest_triangles, opaque, seeded, with_points
from common.atomic import write_beside
from splat import Camera, render, sh_to_color

WHITE = torch.ones(3)
Draw = Callable[[View, Tensor], Tensor]
"""(view, background [3]) → picture [H, W, 3]"""


def some_of(views: Sequence[View], count: int) -> list[View]:
    """At most `count` views, by chance but always the same."""
    return list(islice(shuffled(views, seed=0), min(count, len(views))))


def read_all(views: Sequence[View]) -> list[tuple[View, Picture]]:
    """Views with their pictures."""
    return [(view, read_picture(view)) for view in views]


def mean_psnr(draw: Draw, seen: Sequence[tuple[View, Picture]]) -> float:
    """Mean over the views of 10 log10(1 / mean squared error) on white, in dB."""
    errors = [
        (draw(view, WHITE) - composite(picture, WHITE)).square().mean() for view, picture in seen
    ]
    return float(-10 * torch.log10(torch.stack(errors).clamp(min=1e-10)).mean())


def write_preview(draw: Draw, seen: Sequence[tuple[View, Picture]], path: Path) -> None:
    """A sheet with a column for each view: true picture, drawn picture, absolute difference."""
    columns = []
    for view, picture in seen:
        truth, drawn = composite(picture, WHITE), draw(view, WHITE)
        columns.append(torch.cat([truth, drawn, (truth - drawn).abs()]))
    height = max(len(column) for column in columns)
    padded = [torch.nn.functional.pad(c, (0, 0, 0, 0, 0, height - len(c))) for c in columns]
    sheet = (torch.cat(padded, dim=1) * 255).round().to(torch.uint8).numpy()
    with write_beside(path) as temporary:
        imageio.imwrite(temporary, sheet)


SEED_FRAMES = 24  # at most
REACH = 0.35  # radii of the head: the thickest hair
SOLID = 0.5  # of a mask
SKIN = 1  # label; below it is none, above it are hair, eyes and mouth


@dataclass(frozen=True)
class SeedFrame:
    """One picture and its regions."""

    view: View
    picture: Picture
    labels: Tensor  # [H, W]
    loose: Tensor  # [H, W] bool: neither hair nor face, and the mesh is not there


def one_camera(views: Sequence[View]) -> bool:
    """Whether all views are of one camera, though it may move."""
    return len({view.camera_id for view in views}) == 1


def film_seeded(
    capture: Capture, head: Head | None, bound: BoundGaussians, views: Sequence[View], most: int
) -> BoundGaussians:
    """The Gaussians with `most` more at most for hair and, if the camera is static, as many for
    shoulders and clothes.

    head: the parts of the capture's mesh, where they are known. Nothing is added where pictures
    have no labels: they separate hair from clothes.
    """
    if most < 1 or any(view.labels is None for view in views):
        return bound
    poses = head_poses(capture, head)
    frames = [_seed_frame(capture, bound, view) for view in most_turned(poses, views, SEED_FRAMES)]
    static = static_pixels(torch.stack([frame.loose for frame in frames]))
    if not _is_static([view.camera for view in views]):
        static = torch.zeros_like(static)
    seen = [(_in_head_space(m.view, poses), _head_alone(m, static)) for m in frames]
    rest = Mesh(capture.rest, capture.faces)
    grown = bound
    if head is not None:
        observations = [(*pair, m.labels) for pair, m in zip(seen, frames, strict=True)]
        points, owners = hair_shell(rest, head, observations, most // 2)
        grown = with_points(grown, points, rest, owners)
    grown = seeded(rest, grown, seen, most // 2, REACH)
    if not static.any():
        return grown
    middle = Mesh(capture.vertices[[m.view.timestep for m in frames]].mean(0), capture.faces)
    triangles = static_triangles(middle, head)
    below = StaticTorso(static, [(frame.picture, frame.loose) for frame in frames])
    points = torso_points(
        frames[0].view.camera, below, middle.vertices[middle.faces[triangles]], most
    )
    nearest = nearest_triangles(points[0], middle.vertices, middle.faces[triangles])
    grown = with_points(grown, points, middle, triangles[nearest])
    if head is None:
        return grown
    stump = hidden_by(frames[0].view.camera, static, neck_stump(middle, head))
    return _with_stump(grown, middle, stump, triangles)


def hidden_by(camera: Camera, static: Tensor, points: Tensor) -> Tensor:
    """Those points [P, 3] behind the static part of the picture [H, W] bool: below its
    lower edge nothing would cover them."""
    inside, covered = look_up(static, project(camera, points)[0])
    return points[inside & covered]


def _with_stump(
    bound: BoundGaussians, mesh: Mesh, points: Tensor, triangles: Tensor
) -> BoundGaussians:
    """The Gaussians and those of the neck [P, 3] behind the clothes, in the colours of its end."""
    binding = triangles[nearest_triangles(points, mesh.vertices, mesh.faces[triangles])]
    colours = sh_to_color(bound.parts["sh_dc"][binding], torch.zeros_like(points))
    sizes = torch.full((len(points),), SIZE * STUMP_SPACING)
    return with_points(bound, (points, colours, sizes), mesh, binding)


def head_poses(capture: Capture, head: Head | None) -> Tensor:
    """Rigid motions [T, 4, 4] of the head from its rest: the scalp's, which no expression moves."""
    rows = slice(None) if head is None else head.regions["scalp"]
    rest = capture.rest[rows].double().numpy()
    poses = torch.eye(4).repeat(len(capture.vertices), 1, 1)
    for pose, vertices in zip(poses, capture.vertices[:, rows].double().numpy(), strict=True):
        turn = fit_similarity(rest, vertices).rotation
        pose[:3, :3] = torch.from_numpy(turn)
        pose[:3, 3] = torch.from_numpy(vertices.mean(0) - turn @ rest.mean(0))
    return poses


def most_turned(poses: Tensor, views: Sequence[View], count: int) -> list[View]:
    """At most `count` views whose heads [T, 4, 4] look into as different directions as there are:
    each is the farthest from those before it, the first from the mean."""
    turns = poses[[view.timestep for view in views], :3, :3].flatten(1)  # [N, 9]
    nearest = (turns - turns.mean(0)).norm(dim=1)
    chosen: list[int] = []
    while len(chosen) < min(count, len(views)):
        chosen.append(int(nearest.argmax()))
        distance = (turns - turns[chosen[-1]]).norm(dim=1)
        nearest = distance if len(chosen) == 1 else torch.minimum(nearest, distance)
        nearest[chosen] = -1
    return [views[index] for index in sorted(chosen)]


def _seed_frame(capture: Capture, bound: BoundGaussians, view: View) -> SeedFrame:
    ((_, picture),) = read_all([view])
    labels = read_labels(view)
    mesh = opaque(bound, capture.vertices[view.timestep], capture.faces)
    bare = render(mesh, view.camera).alpha < SOLID
    subject = torch.from_numpy(picture.mask) > 255 * SOLID
    return SeedFrame(view, picture, labels, subject & bare & (labels <= SKIN))


def _is_static(cameras: Sequence[Camera]) -> bool:
    return all(torch.equal(camera.viewmat, cameras[0].viewmat) for camera in cameras)


def _in_head_space(view: View, poses: Tensor) -> View:
    """The view relative to the head at rest."""
    viewmat = view.camera.viewmat @ poses[view.timestep]
    return replace(view, camera=replace(view.camera, viewmat=viewmat))


def _head_alone(frame: SeedFrame, static: Tensor) -> Picture:
    """The picture without the static part [H, W] below the head."""
    kept = (frame.labels > SKIN) | ((frame.labels == SKIN) & ~static)
    visible = np.asarray(kept, np.uint8)
    picture = frame.picture
    return Picture(picture.color * visible[..., None], picture.mask * visible)
