"""From the pixels of a photo to places on the sitter at rest."""

import numpy as np

from avatar.mesh.vectors import Bools, Floats, Ints
from avatar.photo.project import View
from avatar.synthetic.portrait.hair import still_triangles
from avatar.synthetic.shared.sitter import Sitter, still_vertices

WHOLLY = 0.999  # of the head's pose


def unprojected(view: View, x: Floats, y: Floats, depth: Floats) -> Floats:
    """World points [P, 3] of pixels at depths [P]."""
    camera = view.photo.camera
    K, pose_back = camera.K.double().numpy(), np.linalg.inv(camera.viewmat.double().numpy())
    rays = np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones_like(x)], axis=1)
    return (rays * depth[:, None]) @ pose_back[:3, :3].T + pose_back[:3, 3]


def carriers(sitter: Sitter, points: Floats, with_head: Bools) -> Ints:
    """The triangles [P] that carry points [P, 3]: of head and neck, or of the torso."""
    loose = np.concatenate([still_triangles(sitter), neck_triangles(sitter)])
    return np.where(
        with_head,
        sitter.nearest(loose, points),
        sitter.owners[sitter.nearest(sitter.torso, points)],
    )


def neck_triangles(sitter: Sitter) -> Ints:
    """Triangles of the skin that no expression moves, and that follow the head in part."""
    follows = sitter.head.pose_weights.numpy()
    neck = still_vertices(sitter.head) & (follows > 0) & (follows <= WHOLLY)
    return sitter.skin[neck[sitter.faces[sitter.skin]].all(1)]


def at_rest(
    sitter: Sitter, view: View, owners: Ints, points: Floats, *directions: Floats
) -> tuple[Floats, ...]:
    """Points [P, 3] of a photo and directions [P, 3] there, with the head turned back to rest as
    their triangles [P] follow it."""
    follows = sitter.head.pose_weights.numpy()[sitter.faces[owners]].mean(1)
    pose = view.photo.head_pose.double().numpy()
    back = np.linalg.inv(np.eye(4) + follows[:, None, None] * (pose - np.eye(4)))
    turned = (np.einsum("pij,pj->pi", back[:, :3, :3], each) for each in (points, *directions))
    first, *others = turned
    return (first + back[:, :3, 3], *others)
