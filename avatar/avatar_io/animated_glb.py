"""Write an animated head as binary glTF 2.0: morph targets, a joint for the head, and its colours,
of a texture or of the Gaussians around its vertices. `GltfFile` is the container: arrays and their
accessors."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.coloured import Paint, plain_paint, to_linear
from avatar.geometry.rotations import matrix_to_quaternion, quaternion_to_matrix
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats, Ints
from common.atomic import write_beside
from splat import Gaussians, sh_to_rgb

MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
BYTE, SHORT, UNSIGNED, FLOAT = 5121, 5123, 5125, 5126  # component types
COMPONENTS = {"|u1": BYTE, "<u2": SHORT, "<u4": UNSIGNED, "<f4": FLOAT}
WIDTHS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
VERTEX_DATA, INDEX_DATA = 34962, 34963  # buffer targets


class GltfFile:
    """The JSON of a file, and the arrays that it refers to."""

    def __init__(self) -> None:
        self.arrays: list[bytes] = []
        self.size = 0
        self.content: dict[str, Any] = {"bufferViews": [], "accessors": []}

    def view(self, data: bytes, target: int | None = None) -> int:
        """Append bytes; the number of their view."""
        views = self.content["bufferViews"]
        views.append({"buffer": 0, "byteOffset": self.size, "byteLength": len(data)})
        views[-1] |= {"target": target} if target else {}
        self.arrays += [data, b"\0" * (-len(data) % 4)]
        self.size += len(data) + len(self.arrays[-1])
        return len(views) - 1

    def add(
        self,
        array: NDArray | Tensor,
        kind: str = "<f4",
        target: int | None = None,
        normalised: bool = False,
    ) -> int:
        """Append an array [n] or [n, k]; the number of its accessor."""
        rows = np.ascontiguousarray(np.asarray(array), kind).reshape(len(array), -1)
        accessor: dict[str, Any] = {
            "bufferView": self.view(rows.tobytes(), target),
            "componentType": COMPONENTS[kind],
            "count": len(rows),
            "type": WIDTHS[rows.shape[1]],
            "min": rows.min(0).tolist(),
            "max": rows.max(0).tolist(),
        }
        accessor |= {"normalized": True} if normalised else {}
        self.content["accessors"].append(accessor)
        return len(self.content["accessors"]) - 1

    def encoded(self, said: Sequence[str] = ()) -> bytes:
        """The file in its binary form, .glb; said: what it tells of its origin."""
        asset: dict[str, Any] = {"version": "2.0", "generator": "VoiceSplat"}
        asset |= {"extras": {"provenance": list(said)}} if said else {}
        whole = self.content | {"asset": asset, "buffers": [{"byteLength": self.size}]}
        text = json.dumps(whole).encode()
        text += b" " * (-len(text) % 4)
        parts = (struct.pack("<III", MAGIC, VERSION, 28 + len(text) + self.size),)
        parts += (struct.pack("<II", len(text), JSON_CHUNK), text)
        parts += (struct.pack("<II", self.size, BINARY_CHUNK), *self.arrays)
        return b"".join(parts)


SKIN = {"metallicFactor": 0.0, "roughnessFactor": 0.7}


@dataclass(frozen=True)
class MorphTargets:
    """Offsets of a mesh and the weight of each in every frame."""

    names: tuple[str, ...]  # [K]
    offsets: Tensor  # [K, V, 3] in the unit of the mesh
    weights: Tensor  # [F, K]


@dataclass(frozen=True)
class HeadJoint:
    """A joint that turns the head of a mesh."""

    pivot: Tensor  # [3]
    share: Tensor  # [V] in [0, 1] how far a vertex follows it
    poses: Tensor  # [F, 4, 4] rigid motions in the mesh's own space


def write_glb(
    path: Path,
    mesh: Mesh,
    targets: MorphTargets,
    fps: float,
    joint: HeadJoint,
    paint: Paint | None = None,
    said: Sequence[str] = (),
) -> None:
    """Write a mesh that moves; a head that never turns gets no joint. said: of its origin.

    Frame f is shown at (f + 0.5) / fps seconds, the middle of the time that it covers. With paint
    a vertex is written once for every colour and texture coordinate that it has.
    """
    file, turns = GltfFile(), bool((joint.poses != torch.eye(4)).any())
    faces = mesh.faces.numpy()
    owners, corners = np.arange(len(mesh.vertices)), faces
    attributes: dict[str, int] = {}
    if paint is not None:
        owners, corners, rgb, uv = _split(faces, paint)
        attributes |= {"COLOR_0": file.add(to_linear(rgb), target=VERTEX_DATA)}
        attributes |= {"TEXCOORD_0": file.add(uv * [1, -1] + [0, 1], target=VERTEX_DATA)}
    attributes["POSITION"] = file.add(mesh.vertices[owners], target=VERTEX_DATA)
    if turns:
        share = joint.share[owners, None] * torch.tensor([-1.0, 1, 0, 0]) + torch.eye(4)[0]
        attributes["WEIGHTS_0"] = file.add(share, target=VERTEX_DATA)
        numbers = np.tile([0, 1, 0, 0], (len(owners), 1))
        attributes["JOINTS_0"] = file.add(numbers, "|u1", VERTEX_DATA)
    morphs = [{"POSITION": file.add(o[owners], target=VERTEX_DATA)} for o in targets.offsets]
    shape = {"attributes": attributes, "targets": morphs}
    primitives = [{**shape, **part} for part in _painted(file, corners, paint)]
    names = {"targetNames": list(targets.names)}
    still = [0.0] * len(morphs)
    file.content["meshes"] = [{"primitives": primitives, "weights": still, "extras": names}]
    times = file.add((np.arange(len(targets.weights)) + 0.5) / fps)
    curves = {(0, "weights"): file.add(targets.weights.reshape(-1))}
    file.content["nodes"] = [{"mesh": 0, "name": "face"}]
    if turns:
        curves |= _add_joint(file, joint)
    _animate(file, times, curves)
    file.content |= {"scene": 0, "scenes": [{"nodes": [0, 1] if turns else [0]}]}
    with write_beside(path) as partial:
        partial.write_bytes(file.encoded(said))


def _add_joint(file: GltfFile, joint: HeadJoint) -> dict[tuple[int, str], int]:
    """Nodes 1, the still shoulders, and 2, the head; the head's curves."""
    pivot = joint.pivot
    file.content["nodes"][0] |= {"skin": 0}
    file.content["nodes"] += [
        {"name": "shoulders", "children": [2]},
        {"name": "head", "translation": pivot.tolist()},
    ]
    to_joints = torch.eye(4).repeat(2, 1, 1)
    to_joints[1, :3, 3] = -pivot
    matrices = file.add(to_joints.transpose(1, 2).flatten(1))  # by columns
    file.content["skins"] = [{"joints": [1, 2], "inverseBindMatrices": matrices}]
    turns = matrix_to_quaternion(joint.poses[:, :3, :3])
    turns = torch.where(turns[:, :1] < 0, -turns, turns).roll(-1, 1)  # xyzw
    shifts = joint.poses[:, :3, :3] @ pivot + joint.poses[:, :3, 3]
    return {(2, "rotation"): file.add(turns), (2, "translation"): file.add(shifts)}


def _animate(file: GltfFile, times: int, curves: dict[tuple[int, str], int]) -> None:
    samplers = [
        {"input": times, "output": values, "interpolation": "LINEAR"} for values in curves.values()
    ]
    channels = [
        {"sampler": number, "target": {"node": node, "path": path}}
        for number, (node, path) in enumerate(curves)
    ]
    file.content["animations"] = [{"name": "speech", "samplers": samplers, "channels": channels}]


def _split(faces: Ints, paint: Paint) -> tuple[Ints, Ints, Floats, Floats]:
    """One vertex for each kind of corner: whose it is [W], the triangles [M, 3] on them, and their
    colours [W, 3] and texture coordinates [W, 2]."""
    parts = (faces[..., None], paint.rgb, paint.uv)
    corners = np.concatenate(parts, axis=2).reshape(-1, 6)
    kinds, number = np.unique(corners.astype(np.float32), axis=0, return_inverse=True)
    return kinds[:, 0].astype(int), number.reshape(-1, 3), kinds[:, 1:4], kinds[:, 4:]


def _painted(file: GltfFile, corners: Ints, paint: Paint | None) -> list[dict[str, int]]:
    """The triangles of each texture, with its material."""
    owner = np.full(len(corners), -1) if paint is None else paint.texture
    textures = () if paint is None else paint.textures
    images = [file.view(imageio.imwrite("<bytes>", t, extension=".png")) for t in textures]
    file.content["materials"], parts = [], []
    for number in np.unique(owner).tolist():
        texture = {} if number < 0 else {"baseColorTexture": {"index": number}}
        file.content["materials"].append({"pbrMetallicRoughness": SKIN | texture})
        index = file.add(corners[owner == number].reshape(-1), "<u4", INDEX_DATA)
        parts.append({"indices": index, "material": len(parts)})
    if images:
        pictures = [{"bufferView": view, "mimeType": "image/png"} for view in images]
        file.content |= {"images": pictures, "samplers": [{}]}
        file.content["textures"] = [{"source": k, "sampler": 0} for k in range(len(images))]
    return parts


NEAREST = 16  # Gaussians that colour a vertex
FAINTEST = 1e-6  # all of them together, else the nearest one decides


def gaussian_paint(gaussians: Gaussians, vertices: Tensor, faces: Tensor) -> Paint:
    """The paint of a mesh [V, 3], [M, 3] among Gaussians of the same space, one colour a vertex."""
    return plain_paint(vertex_colours(gaussians, vertices)[faces.numpy()])


def vertex_colours(gaussians: Gaussians, vertices: Tensor) -> Floats:
    """Colours [V, 3] in 0..1: the mean of the nearest Gaussians' plain colours, each by how opaque
    it is at the vertex."""
    points, means = vertices.double().numpy(), gaussians.means.double().numpy()
    count = min(NEAREST, len(means))
    found: NDArray = np.asarray(KDTree(means).query(points, k=count)[1]).reshape(-1, count)
    away = points[:, None] - means[found]  # [V, k, 3]
    turns = quaternion_to_matrix(gaussians.quats).double().numpy()[found]
    along = np.einsum("vkij,vki->vkj", turns, away) / gaussians.scales.double().numpy()[found]
    seen = gaussians.opacities.numpy()[found] * np.exp(-0.5 * (along**2).sum(2))
    seen[seen.sum(1) < FAINTEST, 0] = 1.0  # the nearest
    rgb = sh_to_rgb(gaussians.sh[:, 0]).clamp(0, 1).double().numpy()[found]
    return np.einsum("vk,vkc->vc", seen / seen.sum(1, keepdims=True), rgb)
