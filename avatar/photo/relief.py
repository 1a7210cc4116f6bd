"""What a photo shows of the person beyond head, hair and torso: clothes, loose hair, an ear. It
becomes a relief that continues them backwards, or in front of the skin where hair falls over it."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter

from avatar.mesh.pinhole import camera_centre
from avatar.mesh.vectors import MM, Bools, Floats, axes, normalised
from avatar.photo.parts import Part, wholly_seen
from avatar.photo.project import View, hair_mask
from avatar.photo.sitter import Scene
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig
from avatar.synthetic.portrait.hair import still_triangles
from avatar.synthetic.portrait.layer import layer
from avatar.synthetic.shared.colour import untoned
from splat import render, rgb_to_sh

SPACING = 1.8 * MM
COVERED = 0.6  # of opacity, from which a pixel is covered already
PERSON, SURE = 0.5, 0.9  # of the matte: what is drawn, and what has the person's colour alone
FALL = 0.5  # metres back for each metre beyond what is covered
DEEPEST = 45 * MM
IN_FRONT = 5 * MM  # of the skin, where hair falls over it
SMOOTH = 4.0  # pixels over which the relief is smoothed


@dataclass(frozen=True)
class Drawn:
    """What the avatar has in each pixel of a photo already."""

    covered: Bools  # [H, W]
    depth: Floats  # [H, W] metres, where it is covered
    hair: Floats  # [H, W] share of hair
    torso: Floats  # [H, W] share of what stands still


def drawn(avatar: Avatar, scene: Scene, view: View, hair: Bools) -> Drawn:
    """The avatar as a photo would show it; hair [N]: which Gaussians are hair."""
    head, count = scene.sitter.head, len(scene.sitter.head.vertices)
    rest = torch.from_numpy(view.shape.vertices[:count]).float()
    still = head.pose_weights[avatar.faces[avatar.binding]].mean(1) < 0.5
    labels = torch.stack([torch.from_numpy(hair), still, still], 1).float()
    labelled = replace(avatar.gaussians, sh=rgb_to_sh(labels)[:, None])
    rig = avatar_rig(replace(avatar, gaussians=labelled), torch.device("cpu"))
    picture = render(rig(rest), view.photo.camera, backend="cpu")
    alpha = picture.alpha.double().numpy()
    assert picture.depth is not None
    share = (picture.color.double().numpy()) / np.maximum(alpha, 1e-3)[..., None]
    return Drawn(alpha > COVERED, picture.depth.double().numpy(), share[..., 0], share[..., 1])


def relief_part(avatar: Avatar, scene: Scene, hair: Bools) -> Part | None:
    """The Gaussians of all that the first photo shows and the avatar lacks."""
    view = scene.views[0]
    have = drawn(avatar, scene, view, hair)
    seen = view.photo.seen
    is_hair = hair_mask(seen) > 0.5
    person = seen.person > PERSON
    over = person & is_hair & have.covered & (have.hair < 0.5)
    missing = person & ~have.covered
    rows, columns = np.nonzero(_grid(view, have) & (over | missing))
    if not len(rows) or not have.covered.any():
        return None
    depth, torso = _depth(view, have, over)
    points = _unprojected(view, columns + 0.5, rows + 0.5, depth[rows, columns])
    with_head = is_hair[rows, columns] | (torso[rows, columns] < 0.5)
    sure = distance_transform_edt(seen.person < SURE, return_distances=False, return_indices=True)
    rgb = seen.picture[tuple(np.asarray(sure)[:, rows, columns])]
    return _part(scene, view, points, with_head, rgb, seen.person[rows, columns])


def _grid(view: View, have: Drawn) -> Bools:
    """[H, W] true for pixels SPACING apart."""
    camera = view.photo.camera
    middle = float(np.median(have.depth[have.covered])) if have.covered.any() else 1.0
    every = max(1, round(SPACING * float(camera.K[0, 0]) / middle))
    grid = np.zeros(have.covered.shape, bool)
    grid[::every, ::every] = True
    return grid


def _depth(view: View, have: Drawn, over: Bools) -> tuple[Floats, Floats]:
    """Depth [H, W] of the relief, and the share of the torso [H, W] of what is nearest."""
    away, nearest = distance_transform_edt(~have.covered, return_indices=True)
    rows, columns = nearest
    depth = have.depth[rows, columns]
    metres = away * depth / float(view.photo.camera.K[0, 0])
    depth = depth + np.minimum(FALL * metres, DEEPEST) - IN_FRONT * over
    return gaussian_filter(depth, SMOOTH), have.torso[rows, columns]


def _unprojected(view: View, x: Floats, y: Floats, depth: Floats) -> Floats:
    """World points [P, 3] of pixels at depths [P]."""
    camera = view.photo.camera
    K, pose_back = camera.K.double().numpy(), np.linalg.inv(camera.viewmat.double().numpy())
    rays = np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones_like(x)], axis=1)
    return (rays * depth[:, None]) @ pose_back[:3, :3].T + pose_back[:3, 3]


def _part(
    scene: Scene, view: View, points: Floats, with_head: Bools, rgb: Floats, opacity: Floats
) -> Part:
    normals = normalised(camera_centre(view.photo.camera).double().numpy() - points)
    back = np.linalg.inv(view.photo.head_pose.double().numpy())
    points = np.where(with_head[:, None], points @ back[:3, :3].T + back[:3, 3], points)
    normals = np.where(with_head[:, None], normals @ back[:3, :3].T, normals)
    up = np.tile([0.0, 1.0, 0.0], (len(points), 1))
    sitter = scene.sitter
    owners = np.where(
        with_head,
        sitter.nearest(still_triangles(sitter), points),
        sitter.owners[sitter.nearest(sitter.torso, points)],
    )
    scales = (SPACING * 0.75, SPACING * 0.3, SPACING * 0.75)
    made = layer(points, axes(up, normals), scales, untoned(rgb), 0.97 * opacity, owners)
    return wholly_seen(made)
