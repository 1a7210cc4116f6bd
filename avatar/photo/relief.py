"""What a photo shows of the person beyond head, hair and torso: clothes, loose hair, an ear. It
becomes a relief that continues them backwards, or in front of the skin where hair falls over it."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter

from avatar.mesh.vectors import MM, Bools, Floats, Ints, axes
from avatar.photo.parts import Part, wholly_seen
from avatar.photo.project import View, hair_mask, sampled
from avatar.photo.sitter import Scene
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig
from avatar.synthetic.portrait.hair import still_triangles
from avatar.synthetic.portrait.layer import layer
from avatar.synthetic.shared.colour import untoned
from avatar.synthetic.shared.sitter import Sitter, still_vertices
from splat import render, rgb_to_sh

SPACING = 1.8 * MM
COVERED = 0.6  # of opacity, from which a pixel is covered already
PERSON, SURE = 0.5, 0.9  # of the matte: what is drawn, and what has the person's colour alone
FALL = 0.5  # metres back for each metre beyond what is covered
DEEPEST = 45 * MM
IN_FRONT = 5 * MM  # of the skin, where hair falls over it
WIDTH = 0.62  # standard deviation of a piece, of its width
LONGEST = 8 * MM  # of a piece, where the relief is steep
WHOLLY = 0.999  # of the head's pose
SMOOTH = 10 * MM  # over which the relief is smoothed


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
    every = _spacing(view, have)
    grid = np.zeros(person.shape, bool)
    grid[::every, ::every] = True
    rows, columns = np.nonzero(grid & (over | missing))
    if not len(rows) or not have.covered.any():
        return None
    depth, torso = _depth(view, have, over)
    flat = _flat(view, columns, rows, depth, every)
    with_head = is_hair[rows, columns] | (torso[rows, columns] < 0.5)
    sure = _nearest(seen.person >= SURE)
    rgb = seen.picture[tuple(sure[:, rows, columns])]
    return _part(scene, view, flat, with_head, rgb, seen.person[rows, columns])


def _spacing(view: View, have: Drawn) -> int:
    """How many pixels are SPACING."""
    middle = float(np.median(have.depth[have.covered])) if have.covered.any() else 1.0
    return max(1, round(SPACING * float(view.photo.camera.K[0, 0]) / middle))


def _depth(view: View, have: Drawn, over: Bools) -> tuple[Floats, Floats]:
    """Depth [H, W] of the relief, and the share of the torso [H, W] of what is nearest."""
    rows, columns = _nearest(have.covered)
    own_rows, own_columns = np.indices(have.covered.shape)
    away = np.hypot(rows - own_rows, columns - own_columns)
    depth = have.depth[rows, columns]
    metres = away * depth / float(view.photo.camera.K[0, 0])
    depth = depth + np.minimum(FALL * metres, DEEPEST)
    sigma = SMOOTH * float(view.photo.camera.K[0, 0] / np.median(depth))
    smooth = np.where(over, np.minimum(gaussian_filter(depth, sigma / 3), depth), depth)
    smooth = np.where(have.covered, smooth, gaussian_filter(depth, sigma))
    return smooth - IN_FRONT * over, have.torso[rows, columns]


def _nearest(where: Bools) -> Ints:
    """Row and column [2, H, W] of the pixel nearest to each, of those where it is true."""
    found = np.empty((2, *where.shape), np.int32)
    distance_transform_edt(~where, return_distances=False, return_indices=True, indices=found)
    return found


@dataclass(frozen=True)
class Flat:
    """Small flat pieces of a relief, in the world."""

    points: Floats  # [P, 3]
    across: Floats  # [P, 3] to the next piece to the right
    down: Floats  # [P, 3] and to the one below


def _flat(view: View, columns: Ints, rows: Ints, depth: Floats, every: int) -> Flat:
    def at(right: float, below: float) -> Floats:
        x, y = columns + 0.5 + right, rows + 0.5 + below
        return _unprojected(view, x, y, sampled(depth, np.stack([x, y], 1)))

    half = every / 2
    across, down = at(half, 0) - at(-half, 0), at(0, half) - at(0, -half)
    return Flat(at(0, 0), _not_longer(across), _not_longer(down))


def _not_longer(steps: Floats) -> Floats:
    """Steps [P, 3] where the relief is steep, but no longer than what is seen of it is wide."""
    length = np.linalg.norm(steps, axis=1, keepdims=True)
    return steps * np.minimum(1, LONGEST / np.maximum(length, 1e-9))


def _unprojected(view: View, x: Floats, y: Floats, depth: Floats) -> Floats:
    """World points [P, 3] of pixels at depths [P]."""
    camera = view.photo.camera
    K, pose_back = camera.K.double().numpy(), np.linalg.inv(camera.viewmat.double().numpy())
    rays = np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones_like(x)], axis=1)
    return (rays * depth[:, None]) @ pose_back[:3, :3].T + pose_back[:3, 3]


def _part(
    scene: Scene, view: View, flat: Flat, with_head: Bools, rgb: Floats, opacity: Floats
) -> Part:
    sitter, head = scene.sitter, scene.sitter.head
    loose = np.concatenate([still_triangles(sitter), neck_triangles(sitter)])
    owners = np.where(
        with_head,
        sitter.nearest(loose, flat.points),
        sitter.owners[sitter.nearest(sitter.torso, flat.points)],
    )
    follows = head.pose_weights.numpy()[sitter.faces[owners]].mean(1)  # [P]
    pose = view.photo.head_pose.double().numpy()
    turned = np.eye(4) + follows[:, None, None] * (pose - np.eye(4))
    back = np.linalg.inv(turned)
    points = np.einsum("pij,pj->pi", back[:, :3, :3], flat.points) + back[:, :3, 3]
    across, down = (
        np.einsum("pij,pj->pi", back[:, :3, :3], each) for each in (flat.across, flat.down)
    )
    wide, high = (np.linalg.norm(each, axis=1) for each in (across, down))
    scales = (wide * WIDTH, np.minimum(wide, high) * 0.3, high * WIDTH)
    turns = axes(across, np.cross(across, down))
    return wholly_seen(layer(points, turns, scales, untoned(rgb), 0.97 * opacity, owners))


def neck_triangles(sitter: Sitter) -> Ints:
    """Triangles of the skin that no expression moves, and that follow the head in part."""
    follows = sitter.head.pose_weights.numpy()
    neck = still_vertices(sitter.head) & (follows > 0) & (follows <= WHOLLY)
    return sitter.skin[neck[sitter.faces[sitter.skin]].all(1)]
