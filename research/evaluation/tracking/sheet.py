"""A contact sheet of a tracked film: frames, and on them the meshes."""

from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from avatar.geometry.picture_file import read_picture
from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import Floats, Ints, normalised
from avatar.geometry.zbuffer import NOTHING, camera_centre, project_samples, rasterize
from avatar.reconstruct.capture import Capture, View
from common.atomic import write_beside
from splat import Camera

COLUMNS = 8
TRACKED, TRUE = (70.0, 160.0, 255.0), (90.0, 220.0, 110.0)  # tints of the meshes
VEIL = 0.6  # of a mesh over its frame

Bytes = NDArray[np.uint8]


def write_tracking_sheet(
    path: Path, tracked: tuple[Capture, Sequence[View]], true: tuple[Capture, Sequence[View]]
) -> None:
    """Write a PNG: some frames, below them the tracked mesh on each, below that the true one.

    Each side is a capture with the view of every frame. It appears whole or not at all.
    """
    count = len(true[1])
    chosen = sorted({(2 * k + 1) * count // (2 * COLUMNS) for k in range(COLUMNS)})
    columns = []
    for index in chosen:
        frame = read_picture(tracked[1][index].image)
        rows = [frame]
        for (capture, views), tint in ((tracked, TRACKED), (true, TRUE)):
            vertices = capture.vertices[index].double().numpy()
            camera = resized(views[index].camera, frame.shape[1], frame.shape[0])
            rows.append(veiled(frame, camera, vertices, capture.faces.numpy(), tint))
        columns.append(np.concatenate(rows))
    with write_beside(path) as partial:
        imageio.imwrite(partial, np.concatenate(columns, axis=1), extension=".png")


def veiled(
    frame: Bytes, camera: Camera, vertices: Floats, faces: Ints, tint: Sequence[float]
) -> Bytes:
    """A frame [H, W, 3] with a mesh [V, 3] over it, brighter where it faces the camera."""
    height, width = frame.shape[:2]
    seen = rasterize(project_samples(camera, vertices), faces, height, width).faces
    towards = normalised(camera_centre(camera).double().numpy() - vertices[faces].mean(1))
    shade = np.abs((face_normals(vertices, faces) * towards).sum(1))
    mesh = np.append(shade, 0.0)[seen][..., None] * np.asarray(tint)
    veil = VEIL * (seen != NOTHING)[..., None]
    return (frame * (1 - veil) + mesh * veil).round().astype(np.uint8)


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The camera for the same picture in another size."""
    K = camera.K.clone()
    K[0] *= width / camera.width
    K[1] *= height / camera.height
    return Camera(camera.viewmat, K, width, height)
