"""Write an animated head as binary glTF 2.0: morph targets, a joint for the head, its colours."""

from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
from torch import Tensor

from avatar.exports.gltf_file import INDEX_DATA, VERTEX_DATA, GltfFile, linear_light
from avatar.mesh import Mesh
from avatar.mesh.coloured import Paint
from avatar.mesh.rotations import matrix_to_quaternion
from avatar.mesh.vectors import Floats, Ints

SKIN = {"metallicFactor": 0.0, "roughnessFactor": 0.7}


@dataclass(frozen=True)
class MorphTargets:
    """Offsets of a mesh and how far each is shown in every frame."""

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
) -> None:
    """Write a mesh that moves; a head that never turns gets no joint.

    Frame f is shown at (f + 0.5) / fps seconds, the middle of the time that it covers. With paint
    a vertex is written once for every colour and place of the texture that it has.
    """
    file, turns = GltfFile(), bool((joint.poses != torch.eye(4)).any())
    faces = mesh.faces.numpy()
    owners, corners = np.arange(len(mesh.vertices)), faces
    attributes: dict[str, int] = {}
    if paint is not None:
        owners, corners, rgb, uv = _split(faces, paint)
        attributes |= {"COLOR_0": file.add(linear_light(rgb), target=VERTEX_DATA)}
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
    file.write(path)


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
    places = joint.poses[:, :3, :3] @ pivot + joint.poses[:, :3, 3]
    return {(2, "rotation"): file.add(turns), (2, "translation"): file.add(places)}


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
    colours [W, 3] and places in the texture [W, 2]."""
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
        shown = {} if number < 0 else {"baseColorTexture": {"index": number}}
        file.content["materials"].append({"pbrMetallicRoughness": SKIN | shown})
        index = file.add(corners[owner == number].reshape(-1), "<u4", INDEX_DATA)
        parts.append({"indices": index, "material": len(parts)})
    if images:
        pictures = [{"bufferView": view, "mimeType": "image/png"} for view in images]
        file.content |= {"images": pictures, "samplers": [{}]}
        file.content["textures"] = [{"source": k, "sampler": 0} for k in range(len(images))]
    return parts
