"""Pictures of a made-up person before a phone, and how far the landmarks found on them err."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.heads.identity import load_shape_space
from avatar.mesh.similarity import fit_similarity
from avatar.mesh.vectors import Floats
from avatar.rig.pose import pose
from avatar.synthetic.capture.picture import draw
from avatar.synthetic.capture.pose import pose_scene
from avatar.synthetic.capture.scene import Scene, build_scene
from avatar.synthetic.film.motion import filmed
from avatar.synthetic.film.phone import phone_camera, room, sensed
from avatar.tracking.landmark_errors import upright_axes, view_of
from avatar.tracking.landmarks import SKIN_POINTS, learnt_landmarks, skin_points
from avatar.vision.follow import FaceFinder, faces_in_picture
from splat import Camera

MOMENTS = 1000  # of the motion, from which pictures are taken at random
SIZE = (512, 512)  # pixels
GRAIN = 2.0  # grey levels: deviation of the noise


@dataclass(frozen=True)
class Examples:
    """Landmarks on F pictures against the truth."""

    errors: Tensor  # [F, L, 2] metres to the head's right in the picture and up in it
    views: Tensor  # [F, 2] as in `view_of`
    facing: Tensor  # [F, L] cosine between the skin and the view
    person: Tensor  # [F, L, 2] metres by which the person's face is not the mean one, as it is seen
    expression: Tensor  # [F, L, 2] and what the expression adds


def examples_of(seed: int, pictures: int, finder: FaceFinder) -> Examples:
    """As many pictures of the person of a seed, each with a camera and a room of its own."""
    scene = build_scene(seed)
    motion = filmed(scene.head, scene.units, MOMENTS, None, 0.0, seed)
    rng = np.random.default_rng([seed, 21])
    own = _apart(scene)
    rows = []
    for moment in rng.choice(MOMENTS, pictures, replace=False).tolist():
        camera = phone_camera(SIZE, None, int(rng.integers(1 << 31)))
        head_pose, offsets = motion.head_pose[moment], motion.offsets(scene.units, moment)
        vertices = pose(scene.rest + offsets, scene.head, head_pose)
        picture = _photographed(scene, vertices.numpy(), head_pose.numpy(), camera, rng)
        with torch.inference_mode():
            found = faces_in_picture(finder, picture).points
        if len(found):
            rotation = (camera.viewmat @ head_pose)[:3, :3].double()
            seen = _compared(scene, vertices, rotation, camera, found[0, :, :2].double())
            across = rotation[:2].T @ upright_axes(rotation).T  # head space to the picture's
            changes = [one @ across for one in (own, skin_points(scene.head, offsets.double()))]
            rows.append((*seen, *changes))
    return Examples(*(torch.stack(column) for column in zip(*rows, strict=True)))


def _apart(scene: Scene) -> Tensor:
    """By how much [L, 3] a person's landmarks are not those of the mean face, size aside."""
    both = (scene.rest, load_shape_space().mean)
    own, mean = (skin_points(scene.head, vertices.double()) for vertices in both)
    laid = fit_similarity(mean.numpy(), own.numpy()).apply(mean.numpy())
    return own - torch.from_numpy(laid)


def _photographed(
    scene: Scene, vertices: Floats, head_pose: Floats, camera: Camera, rng: np.random.Generator
) -> Tensor:
    """The picture [H, W, 3] in [0, 1]."""
    surface = pose_scene(scene, vertices, head_pose)
    behind = room(SIZE, int(rng.integers(1 << 31)))
    picture = sensed([draw(surface, camera, np.ones(3), 1)], behind, GRAIN, rng)
    return torch.from_numpy(picture.colour).float() / 255


def _compared(
    scene: Scene, vertices: Tensor, rotation: Tensor, camera: Camera, found: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Errors [L, 2], the view [2] and cosines [L] of one picture, of points [478, 2] in pixels."""
    index, view, K = torch.tensor(SKIN_POINTS), camera.viewmat.double(), camera.K.double()
    local = vertices.double() @ view[:3, :3].T + view[:3, 3]
    points = skin_points(scene.head, local)
    a, b, c = local[scene.head.faces[learnt_landmarks().faces[index]]].unbind(1)  # [L, 3] each
    depth = points[:, 2:]
    pixels = K[0, 0] * points[:, :2] / depth + K[:2, 2]
    errors = (found[index] - pixels) * depth / K[0, 0]
    across = torch.linalg.cross(b - a, c - a)
    normals, rays = (torch.nn.functional.normalize(each, dim=1) for each in (across, points))
    facing = -(normals * rays).sum(1)
    return errors @ upright_axes(rotation).T, view_of(rotation, points), facing
