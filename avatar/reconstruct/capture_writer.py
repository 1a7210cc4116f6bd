"""The capture on disk, in the layout of GaussianAvatars and VHAP.

A picture holds straight (not premultiplied) colours and is black where the subject is not; its
mask is the coverage of each pixel by the subject. `image * mask + background * (1 - mask)` is
therefore right over any background, at the edges too. A folder is complete once it has its
transforms_*.json, which are written last.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.vectors import Floats
from avatar.heads import Head
from avatar.reconstruct.capture import CANONICAL
from common.arrays import write_arrays
from common.atomic import write_beside
from common.json_files import write_json
from splat import Camera

OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenCV axes ↔ OpenGL axes
PICTURES = {"file_path": "images", "fg_mask_path": "fg_masks", "region_path": "regions"}
"""Key of a frame → folder of its pictures."""
REGION_LABELS = {"background": 0, "skin": 1, "hair": 2, "eyes": 3, "mouth": 4}
"""Grey levels of the region pictures; clothes count as background."""


def picture_path(key: str, timestep: int, camera: int) -> str:
    """Where a picture lies in the capture's folder."""
    return f"{PICTURES[key]}/{timestep:05d}_{camera:02d}.png"


def vertices_path(timestep: int) -> str:
    """Where the tracked vertices of a timestep lie in the capture's folder."""
    return f"vertices/{timestep:05d}.npz"


def flame_path(timestep: int) -> str:
    """Where FLAME's parameters of a timestep lie in the capture's folder."""
    return f"flame_param/{timestep:05d}.npz"


def camera_to_world(camera: Camera) -> Floats:
    """Camera to world [4, 4] in OpenGL axes (x right, y up, z back), float64."""
    viewmat = camera.viewmat.double().numpy()
    inverse = np.eye(4)
    inverse[:3, :3] = viewmat[:3, :3].T
    inverse[:3, 3] = -viewmat[:3, :3].T @ viewmat[:3, 3]
    return inverse @ OPENGL


def frame_entry(
    timestep: int, camera_index: int, camera: Camera, sequence: str, flame: bool = False
) -> dict[str, Any]:
    """One picture as transforms_*.json describe it. `sequence` and `region_path` are our own.

    flame: the mesh is given by FLAME's parameters instead of vertices.
    """
    K = camera.K.double().numpy()
    mesh = ("flame_param_path", flame_path) if flame else ("vertices_path", vertices_path)
    return {
        "timestep_index": timestep,
        "camera_index": camera_index,
        "camera_id": f"{camera_index:02d}",
        "fl_x": K[0, 0],
        "fl_y": K[1, 1],
        "cx": K[0, 2],
        "cy": K[1, 2],
        "w": camera.width,
        "h": camera.height,
        "camera_angle_x": 2 * float(np.arctan(camera.width / 2 / K[0, 0])),
        "camera_angle_y": 2 * float(np.arctan(camera.height / 2 / K[1, 1])),
        "transform_matrix": camera_to_world(camera).tolist(),
        **{key: picture_path(key, timestep, camera_index) for key in PICTURES},
        mesh[0]: mesh[1](timestep),
        "sequence": sequence,
    }


def write_rest(folder: Path, rest: Tensor, head: Head) -> None:
    """Write the mesh at rest [V, 3] of a head's topology."""
    faces, topology = head.faces.numpy().astype(np.int32), np.array(head.topology)
    write_arrays(folder / CANONICAL, {"rest": rest.numpy(), "faces": faces, "topology": topology})


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a PNG [H, W] or [H, W, 3]; packing it harder would save a tenth of its size."""
    with write_beside(path) as temporary:
        imageio.imwrite(temporary, picture, compress_level=1)


def write_transforms(folder: Path, splits: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """Write transforms_{split}.json of all splits, with what VHAP repeats at their top."""
    for split, frames in splits.items():
        first = {key: frames[0][key] for key in _SHARED} if frames else {}
        content = {
            **first,
            "timestep_indices": sorted({frame["timestep_index"] for frame in frames}),
            "camera_indices": sorted({frame["camera_index"] for frame in frames}),
            "frames": list(frames),
        }
        write_json(folder / f"transforms_{split}.json", content)


_SHARED = ("cx", "cy", "fl_x", "fl_y", "h", "w", "camera_angle_x", "camera_angle_y")
