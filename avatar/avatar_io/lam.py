"""The .zip of LAM's web renderer and OpenAvatarChat: Gaussians that follow 52 ARKit weights.

skin.glb: a skinned mesh with a vertex for every Gaussian, and morph targets that move these;
offset.ply: the Gaussians, each relative to its vertex, with plain colours in 0..1 for f_dc;
animation.glb: clips that the renderer plays by number; vertex_order.json: vertices by height.
The renderer moves centres alone: Gaussians neither turn nor stretch with the skin.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from avatar.avatar_io.animated_glb import INDEX_DATA, VERTEX_DATA, GltfFile
from avatar.avatar_io.splat_formats import stored
from splat import Gaussians, SplatPly, sh_to_color, write_ply

HEIGHT = 1.66  # metres above the ground, where the renderer's camera looks for a face
TEXELS = 4096 * 2048  # of the renderer's texture, one for each Gaussian at rest and in each target
CLIPS, CLIP_SECONDS = 12, 10.0  # hello is the third, idle the second, speak the seventh …
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the time of every file in the zip: equal input, equal bytes
HEAD, HIP, SKIN, ROOT = range(4)  # nodes
NODES = (
    {"name": "head"},
    {"name": "hip", "children": [HEAD]},
    {"name": "head_final", "mesh": 0, "skin": 0},
    {"name": "root", "children": [SKIN, HIP]},
)


def most_gaussians(targets: int) -> int:
    """How many Gaussians the renderer has room for."""
    return TEXELS // (targets + 1)


def lam_zip(name: str, gaussians: Gaussians, offsets: Mapping[str, Tensor]) -> bytes:
    """The content of a file.

    name: of the folder within; gaussians: at rest in head space; offsets: how the centres [N, 3]
    move under ARKit's units, by their names.
    """
    means = gaussians.means + torch.tensor([0.0, HEIGHT, 0.0])
    order = means[:, 1].argsort(stable=True).tolist()
    files = {
        "skin.glb": _skin(means, offsets),
        "offset.ply": _offsets(gaussians),
        "animation.glb": _clips(),
        "vertex_order.json": json.dumps(order).encode(),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for inside in ("", *files):  # the renderer looks for the folder's own entry
            info = zipfile.ZipInfo(f"{name}/{inside}", BEGINNING)
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, files.get(inside, b""))
    return archive.getvalue()


def _skin(means: Tensor, offsets: Mapping[str, Tensor]) -> bytes:
    """All vertices follow the joint of the head; triangles only name every vertex."""
    file, count = GltfFile(), len(means)
    joints = np.tile([1, 0, 0, 0], (count, 1))  # the second of the skin's joints
    attributes = {
        "POSITION": file.add(means, target=VERTEX_DATA),
        "JOINTS_0": file.add(joints, "|u1", VERTEX_DATA),
        "WEIGHTS_0": file.add(np.tile([1.0, 0, 0, 0], (count, 1)), target=VERTEX_DATA),
    }
    corners = np.resize(np.arange(count), -(-count // 3) * 3)
    targets = [{"POSITION": file.add_sparse(moved)} for moved in offsets.values()]
    primitive = {"attributes": attributes, "targets": targets}
    primitive["indices"] = file.add(corners, "<u4", INDEX_DATA)
    matrices = file.add(torch.eye(4).repeat(2, 1, 1).flatten(1))
    mesh = {"name": "head_final", "primitives": [primitive], "weights": [0.0] * len(offsets)}
    file.content |= {
        "meshes": [mesh | {"extras": {"targetNames": list(offsets)}}],
        "skins": [{"joints": [HIP, HEAD], "inverseBindMatrices": matrices, "skeleton": HIP}],
        "nodes": list(NODES),
        "scenes": [{"nodes": [ROOT]}],
        "scene": 0,
    }
    return file.encoded()


def _clips() -> bytes:
    """Clips in which the head holds still."""
    file = GltfFile()
    times = file.add(np.array([0.0, CLIP_SECONDS]))
    turns = file.add(np.tile([0.0, 0, 0, 1], (2, 1)))
    channel = {"sampler": 0, "target": {"node": HEAD, "path": "rotation"}}
    sampler = {"input": times, "output": turns, "interpolation": "LINEAR"}
    file.content |= {
        "animations": [
            {"name": f"clip_{number:02d}", "samplers": [sampler], "channels": [channel]}
            for number in range(CLIPS)
        ],
        "nodes": list(NODES[:2]),
        "scenes": [{"nodes": [HIP]}],
        "scene": 0,
    }
    return file.encoded()


def _offsets(gaussians: Gaussians) -> bytes:
    """The Gaussians at their vertices, with plain colours."""
    rgb = sh_to_color(gaussians.sh[:, :1], gaussians.means).clamp(max=1)
    raw = stored(replace(gaussians, means=torch.zeros_like(gaussians.means), sh=rgb[:, None]))
    with TemporaryDirectory() as folder:
        write_ply(Path(folder) / "offset.ply", SplatPly(raw))
        return (Path(folder) / "offset.ply").read_bytes()
