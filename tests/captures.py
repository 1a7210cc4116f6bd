"""Tiny synthetic captures in the layout that users have, for tests."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.reconstruct.capture import SPLITS
from splat import Camera, orbit

Paint = Callable[[Tensor, Camera], np.ndarray]  # vertices [V, 3], camera → [H, W, 4] uint8

OPENGL_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class CaptureSpec:
    """What a capture holds; timesteps from `held_out` on are the test split."""

    mesh: Mesh
    vertices: Tensor  # [T, V, 3]
    cameras: tuple[Camera, ...]  # the last one is the val split
    topology: str = "mesh"
    held_out: int = 2


def tetrahedron() -> Mesh:
    corners = torch.tensor([[1.0, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) * 0.1
    return Mesh(corners, torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def ring(count: int, size: tuple[int, int] = (24, 16), distance: float = 1.0) -> tuple[Camera, ...]:
    """Cameras on an arc before the origin."""
    angles = np.linspace(-50, 50, count)
    return tuple(orbit(torch.zeros(3), distance, float(a), 5.0, 22.0, *size) for a in angles)


def small_spec(timesteps: int = 3) -> CaptureSpec:
    """A tetrahedron that wanders, seen by three cameras."""
    mesh = tetrahedron()
    steps = torch.linspace(0, 0.02, timesteps)[:, None, None]
    return CaptureSpec(mesh, mesh.vertices + steps, ring(3))


def plain(vertices: Tensor, camera: Camera) -> np.ndarray:
    """A disc of a colour that tells timestep and camera apart, on clear white."""
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    inside = np.hypot(x - camera.width / 2, y - camera.height / 2) < 0.3 * camera.height
    shade = float(vertices[0, 0]) * 1000, float(camera.viewmat[0, 2]) * 100 + 128, 60
    picture = np.full((camera.height, camera.width, 4), 255, np.uint8)
    picture[..., 3] = 255 * inside
    picture[inside, :3] = np.clip(shade, 0, 255)
    return picture


def frame_entry(camera: Camera, timestep: int, index: int) -> dict[str, Any]:
    """One entry of a transforms file, as VHAP writes it."""
    K, (w, h) = camera.K.tolist(), (camera.width, camera.height)
    world_camera = np.linalg.inv(camera.viewmat.double().numpy()) @ OPENGL_OPENCV
    name = f"{timestep:05d}_{index:02d}.png"
    return {
        "timestep_index": timestep,
        "camera_index": index,
        "camera_id": f"{index:02d}",
        "fl_x": K[0][0],
        "fl_y": K[1][1],
        "cx": K[0][2],
        "cy": K[1][2],
        "w": w,
        "h": h,
        "camera_angle_x": 2 * np.arctan(w / 2 / K[0][0]),
        "camera_angle_y": 2 * np.arctan(h / 2 / K[1][1]),
        "transform_matrix": world_camera.tolist(),
        "file_path": f"images/{name}",
        "fg_mask_path": f"fg_masks/{name}",
        "vertices_path": f"vertices/{timestep:05d}.npz",
    }


def write_capture(folder: Path, spec: CaptureSpec, paint: Paint = plain) -> Path:
    """All files of a capture with vertices; pictures and masks apart, as VHAP writes them."""
    for name in ("images", "fg_masks", "vertices"):
        (folder / name).mkdir(parents=True)
    np.savez(
        folder / "canonical_mesh.npz",
        rest=spec.mesh.vertices.numpy(),
        faces=spec.mesh.faces.numpy().astype(np.int32),
        topology=np.array(spec.topology),
    )
    splits: dict[str, list[dict[str, Any]]] = {"train": [], "val": [], "test": []}
    for timestep, vertices in enumerate(spec.vertices):
        np.savez(folder / "vertices" / f"{timestep:05d}.npz", vertices=vertices.numpy())
        for index, camera in enumerate(spec.cameras):
            entry = frame_entry(camera, timestep, index)
            picture = paint(vertices, camera)
            imageio.imwrite(folder / entry["file_path"], picture[..., :3])
            imageio.imwrite(folder / entry["fg_mask_path"], picture[..., 3])
            held_out = "val" if index == len(spec.cameras) - 1 else "train"
            splits["test" if timestep >= spec.held_out else held_out].append(entry)
    for split, entries in splits.items():
        write_transforms(folder, split, entries)
    return folder


def flame_timestep(rng: np.random.Generator, vertices: int | None) -> dict[str, np.ndarray]:
    """The parameters of one timestep with the shapes that VHAP writes; offsets for `vertices`."""
    sizes = {"expr": 100, "rotation": 3, "neck_pose": 3, "jaw_pose": 3, "eyes_pose": 6}
    found = {name: rng.normal(0, 0.1, (1, size)) for name, size in sizes.items()}
    found["translation"] = rng.normal(0, 0.05, (1, 3))
    if vertices is not None:
        found["dynamic_offset"] = rng.normal(0, 1e-3, (1, vertices, 3))
    return {name: array.astype(np.float32) for name, array in found.items()}


def to_flame(folder: Path, offsets: int | None = 5143) -> Path:
    """Give a capture FLAME parameters instead of its vertices; static and dynamic offsets for as
    many vertices as `offsets` says."""
    rng = np.random.default_rng(0)
    person = {"shape": rng.normal(0, 1, 300).astype(np.float32)}
    if offsets is not None:
        person["static_offset"] = rng.normal(0, 1e-3, (1, offsets, 3)).astype(np.float32)
    (folder / "flame_param").mkdir()
    for file in (folder / "vertices").iterdir():
        timestep: Any = person | flame_timestep(rng, offsets)
        np.savez(folder / "flame_param" / file.name, **timestep)
        file.unlink()
    still = {name: np.zeros_like(array) for name, array in flame_timestep(rng, None).items()}
    canonical: Any = person | still | {"jaw_pose": np.array([[0.3, 0.0, 0.0]])}
    np.savez(folder / "canonical_flame_param.npz", **canonical)
    (folder / "canonical_mesh.npz").unlink()
    for split in SPLITS:
        path = folder / f"transforms_{split}.json"
        path.write_text(path.read_text().replace("vertices_path", "flame_param_path"))
        path.write_text(path.read_text().replace('"vertices/', '"flame_param/'))
    return folder


def edit_arrays(path: Path, **changes: np.ndarray | None) -> None:
    """Replace arrays of an .npz, or take away those that are None."""
    with np.load(path) as data:
        arrays = dict(data) | changes
    kept: Any = {name: array for name, array in arrays.items() if array is not None}
    np.savez(path, **kept)


def write_transforms(folder: Path, split: str, entries: Sequence[dict[str, Any]]) -> None:
    content = {**{k: entries[0][k] for k in ("w", "h", "fl_x")}, "frames": entries}
    (folder / f"transforms_{split}.json").write_text(json.dumps(content))


def edit_frames(
    folder: Path, change: Callable[[dict[str, Any]], object], split: str = "train", index: int = 1
) -> None:
    """Change one entry of a transforms file in place."""
    path = folder / f"transforms_{split}.json"
    content = json.loads(path.read_text())
    change(content["frames"][index])
    path.write_text(json.dumps(content))
