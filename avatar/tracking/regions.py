"""Region labels of a picture by the tracked mesh and the masks, and the mesh drawn over the picture
for checking."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.zbuffer import NOTHING, Fragments, project_samples, rasterize
from avatar.heads import Head
from avatar.people.masks import feature_triangles
from avatar.reconstruct.capture_writer import REGION_LABELS
from avatar.retarget.template import template_of
from common.pixels import as_bytes
from splat import Camera

Bytes = NDArray[np.uint8]

GROUPS = {"eyes": ("l-eye", "r-eye"), "mouth": ("upper-teeth", "lower-teeth", "tongue")}
"""Groups of the head that make a label; most else is skin."""
OPAQUE = np.float32(0.55)  # of the mesh that is drawn over a picture
TINTS = {"skin": (0.75, 0.85, 1.0), "eyes": (0.3, 0.9, 0.6), "mouth": (1.0, 0.55, 0.55)}


def seen_parts(camera: Camera, head: Head, vertices: Tensor) -> Fragments:
    """Which triangle of the head [V, 3], in the camera's world, each pixel shows."""
    projected = project_samples(camera, vertices.double().numpy())
    return rasterize(projected, head.faces.numpy(), camera.height, camera.width)


def region_map(seen: Fragments, triangles: Bytes, person: Tensor, hair: Tensor) -> Bytes:
    """The label of each pixel [H, W]; triangles: `triangle_labels`; masks [H, W] of the person and
    of hair in [0, 1]."""
    labels = triangles[seen.faces]
    labels[seen.faces == NOTHING] = REGION_LABELS["background"]
    feature = np.isin(labels, (REGION_LABELS["eyes"], REGION_LABELS["mouth"]))
    labels[(hair.numpy() > 0.5) & ~feature] = REGION_LABELS["hair"]
    labels[person.numpy() < 0.5] = REGION_LABELS["background"]
    return labels


def overlay(
    picture: Tensor, seen: Fragments, head: Head, triangles: Bytes, camera: Camera, vertices: Tensor
) -> Bytes:
    """The picture [H, W, 3] in [0, 1] with the mesh over it, eyes and mouth in other colours."""
    local = vertices.double().numpy() @ camera.viewmat[:3, :3].double().numpy().T
    facing = np.abs(face_normals(local, head.faces.numpy())[:, 2]).astype(np.float32)
    tints = np.ones((max(REGION_LABELS.values()) + 1, 3), np.float32)
    for name, tint in TINTS.items():
        tints[REGION_LABELS[name]] = tint
    colours = tints[triangles] * (0.25 + 0.75 * facing[:, None])  # [M, 3]
    mixed, shown = picture.numpy().copy(), seen.faces != NOTHING
    mixed[shown] += OPAQUE * (colours[seen.faces[shown]] - mixed[shown])
    return as_bytes(mixed)


def triangle_labels(head: Head) -> Bytes:
    """The label of each triangle [M]: lids count as eyes, the red of the lips as mouth."""
    labels = np.full(len(head.faces), REGION_LABELS["skin"], np.uint8)
    blink = (head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")).norm(dim=1).numpy()
    inner = np.zeros(len(head.vertices), bool)
    inner[head.regions["inner_mouth"].numpy()] = True
    inner &= ~template_of(head).outer
    mouth, eyes = feature_triangles(
        head.vertices.double().numpy(), head.faces.numpy(), blink, inner
    )
    for name, inside in (("mouth", mouth), ("eyes", eyes)):
        labels[inside] = REGION_LABELS[name]
    for name, groups in GROUPS.items():
        labels[head.group_faces(*groups).numpy()] = REGION_LABELS[name]
    return labels
