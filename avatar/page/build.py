"""The page: one HTML file with style, script, avatar, motion and sound; its arrays are quantised
and packed into one gzip stream."""

import base64
import gzip
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.rotations import matrix_to_quaternion
from avatar.heads import Head
from avatar.rigging.avatar import Avatar
from avatar.rigging.blendshapes import STEPS, in_bytes, unposed_offsets
from splat.scene.conventions import SH_C0

ALIGNMENT = 16  # bytes
LEVELS = 65535  # of 16 bits
SHORTEST = 1e-7  # metres: smaller offsets are not stored


@dataclass(frozen=True)
class Packed:
    """Arrays as text, and the position of each in its bytes."""

    text: str  # base64 of a gzip stream
    positions: Mapping[str, tuple[int, str, int]]  # name → offset, kind (f4, u4 …), numbers


def pack(arrays: Mapping[str, NDArray]) -> Packed:
    """Put arrays one after the other; equal arrays make equal text."""
    parts, positions, size = [], {}, 0
    for name, array in arrays.items():
        kind = array.dtype.newbyteorder("<")
        data = np.ascontiguousarray(array, kind).tobytes()
        positions[name] = (size, kind.str[1:], array.size)
        parts.append(data + b"\0" * (-len(data) % ALIGNMENT))
        size += len(parts[-1])
    return Packed(base64.b64encode(gzip.compress(b"".join(parts), 6, mtime=0)).decode(), positions)


def avatar_arrays(avatar: Avatar) -> tuple[dict[str, NDArray], tuple[float, float]]:
    """The Gaussians and the mesh at rest; and the log scales that 0 and 65535 stand for."""
    g = avatar.gaussians
    turns = torch.nn.functional.normalize(g.quats, dim=1).numpy()
    low, high = float(g.log_scales.min()), float(g.log_scales.max())
    steps = (g.log_scales.numpy() - low) * (LEVELS / max(high - low, 1e-6))
    opacities = torch.sigmoid(g.opacity_logits).numpy()
    arrays = {
        "rest": avatar.vertices.numpy().astype(np.float32),
        "faces": avatar.faces.numpy().astype(np.uint32),
        "owner": avatar.binding.numpy().astype(np.uint32),
        "means": g.means.numpy().astype(np.float32),
        "turns": np.round(turns * 32767).astype(np.int16),
        "scales": np.round(steps).astype(np.uint16),
        "opacities": np.round(opacities * LEVELS).astype(np.uint16),
        "colours": g.sh.numpy().astype(np.float16).view(np.uint16),
    }
    return arrays, (low, max(high, low + 1e-6))


def light_arrays(lights: Mapping[str, NDArray[np.uint8]]) -> dict[str, NDArray]:
    """Colours [N, 3] by light; and the SH coefficient of degree 0 of each of their 256 levels."""
    levels = (np.arange(256) / 255 - 0.5) / SH_C0
    found = {"levels": levels.astype(np.float16).view(np.uint16)}
    return found | {f"light{number}": colours for number, colours in enumerate(lights.values())}


def basis_arrays(basis: Tensor) -> dict[str, NDArray]:
    """Vertex offsets [K, V, 3] as sparse rows."""
    vertices, offsets, starts = [], [], [0]
    for row in basis.numpy():
        moved = np.flatnonzero(np.abs(row).max(1) > SHORTEST)
        vertices.append(moved.astype(np.uint32))
        offsets.append(row[moved].astype(np.float32))
        starts.append(starts[-1] + len(moved))
    return {
        "movedVertices": np.concatenate(vertices),
        "movedOffsets": np.concatenate(offsets),
        "basisStart": np.array(starts, np.uint32),
    }


def blendshape_arrays(avatar: Avatar, basis: Tensor) -> dict[str, NDArray]:
    """Changes of an avatar's Gaussians with the expression, if any, and the coefficients of each
    row of a basis [R, V, 3].

    `changes` is [D, K, 2, 4], in bytes: of means, of colours, each with one byte that says nothing;
    `changing` [N] numbers the Gaussians that change from 1 on, and is 0 for others.
    """
    shapes, rest = avatar.blendshapes, avatar.vertices
    if shapes is None:
        return {}
    space, (steps, sizes) = shapes.space, in_bytes(shapes.changes)
    changes = steps.permute(0, 2, 1).unflatten(2, (2, 3))
    changing = np.zeros(len(avatar.binding), np.uint32)
    changing[shapes.rows] = np.arange(1, len(shapes.rows) + 1)
    offsets = unposed_offsets(rest, rest + basis, space.anchors, space.points)
    coefficients = torch.einsum("rpx,kpx->rk", offsets, space.directions)
    return {
        "changes": torch.nn.functional.pad(changes, (0, 1)).numpy(),
        "changeSizes": (sizes.T / STEPS).numpy().astype(np.float32),
        "changing": changing,
        "expressions": coefficients.numpy().astype(np.float32),
        "expressionRadius": space.radius.numpy().astype(np.float32)[None],
    }


def pose_array(poses: Tensor) -> NDArray:
    """Rigid motions [F, 4, 4] as quaternions xyzw, with continuous signs, and shifts."""
    turns = matrix_to_quaternion(poses[:, :3, :3]).roll(-1, 1).numpy().astype(np.float64)
    sides = np.cumprod(np.sign(np.concatenate([[1.0], (turns[1:] * turns[:-1]).sum(1)]) + 1e-12))
    rows = np.concatenate([turns * sides[:, None], poses[:, :3, 3].numpy()], axis=1)
    return rows.astype(np.float32)


COMMON = ("data", "rig", "draw", "camera", "motion", "panel", "stage")
RECORDED, SPOKEN = ("clock", "recorded"), ("resample", "ear", "heard", "talk", "spoken")
"""The parts of the script of both kinds of pages, and those of either, in order of dependency;
`main` comes last."""

BARS = 80  # of the loudness display
IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """Recorded motion of a page."""

    names: tuple[str, ...]  # [C] those that are ARKit units move as the sliders do
    basis: Tensor  # [C, V, 3] metres
    coefficients: Tensor  # [F, C]
    head_pose: Tensor  # [F, 4, 4]
    fps: float
    sound: bytes | None = None  # AAC in MP4
    loudness: NDArray = field(default_factory=lambda: np.zeros(BARS))  # [BARS] in 0..1


@dataclass(frozen=True)
class Live:
    """The motion that a page gets from a server while somebody speaks."""

    names: tuple[str, ...]  # [C] those that are ARKit units move as the sliders do
    basis: Tensor  # [C, V, 3] metres
    mouth: int  # how many of these, the first ones, are of the mouth
    rest: Tensor  # [C + 7] the row of a silent mouth and a head at rest
    fps: int
    latency: float  # seconds from a frame's start until it is sent


def build_page(
    title: str,
    avatar: Avatar,
    head: Head,
    framing: Mapping[str, Any],
    emotions: Mapping[str, Mapping[str, float]],
    played: Played | Live | None = None,
    lights: Mapping[str, NDArray[np.uint8]] | None = None,
) -> bytes:
    """A page that shows an avatar.

    head: of the avatar's mesh, whose units become sliders; framing: target [3] and distance of the
    initial camera, and the extent that a square picture shows from top to bottom, in metres;
    emotions: weights of units by name;
    lights: colours [N, 3] of the Gaussians, by the name of the light that makes them.
    """
    arrays, scales = avatar_arrays(avatar)
    names, basis = _rows(head, played)
    arrays |= basis_arrays(basis)
    arrays["follows"] = head.pose_weights.numpy().astype(np.float32)
    arrays |= blendshape_arrays(avatar, basis)
    facts: dict[str, Any] = {
        "units": head.unit_names,
        "rows": len(names),
        "scales": scales,
        "pivot": head.pivot.tolist(),
        "emotions": {name: dict(weights) for name, weights in emotions.items()},
        "framing": framing,
        "motion": None,
        "loudness": [],
        "lights": [],
    }
    if played is not None:
        facts["motion"] = {"fps": played.fps, "rows": [names.index(n) for n in played.names]}
    if isinstance(played, Played):
        arrays |= _motion_arrays(played)
        facts["motion"]["frames"] = len(played.coefficients)
        facts["loudness"] = [round(float(level), 3) for level in played.loudness]
    if isinstance(played, Live):
        arrays["restRow"] = played.rest.numpy().astype(np.float32)
        facts["motion"] |= {"mouth": played.mouth, "latency": played.latency}
    if lights:
        arrays |= light_arrays(lights)
        facts["lights"] = list(lights)
    packed = pack(arrays)
    facts["arrays"] = packed.positions
    return _filled(title, facts, packed.text, isinstance(played, Live), avatar.provenance)


def _rows(head: Head, played: Played | Live | None) -> tuple[list[str], Tensor]:
    """Names and offsets of all directions: the units, then the others of the motion."""
    names, parts = list(head.unit_names), [head.units]
    if played is not None:
        own = [k for k, name in enumerate(played.names) if name not in names]
        names += [played.names[k] for k in own]
        parts.append(played.basis[own])
    return names, torch.cat(parts)


def _motion_arrays(played: Played) -> dict[str, NDArray]:
    arrays = {
        "coefficients": played.coefficients.numpy().astype(np.float32),
        "poses": pose_array(played.head_pose),
    }
    if played.sound is not None:
        arrays["sound"] = np.frombuffer(played.sound, np.uint8)
    return arrays


def _filled(
    title: str, facts: Mapping[str, Any], arrays: str, live: bool, provenance: str
) -> bytes:
    """The page of its parts. live: it connects to its own server, and to nothing else."""
    parts = {
        "title": escape(title),
        "provenance": escape(provenance),
        "allowed": "; connect-src 'self'" if live else "",
        "scripts": "'unsafe-inline' blob:" if live else "'unsafe-inline'",
        "style": _read("style.css") + (_read("spoken.css") if live else ""),
        "footer": _read("spoken.html" if live else "recorded.html"),
        "keys": _read("spoken_keys.html" if live else "recorded_keys.html").strip(),
        "script": _script((*COMMON, *(SPOKEN if live else RECORDED), "main")),
        "facts": json.dumps(facts).replace("<", "\\u003c"),
        "arrays": arrays,
    }
    return _fill("page.html", parts)


def video_page(title: str) -> bytes:
    """A page that calls its server over WebRTC and displays the pictures that come back."""
    style = _read("style.css") + _read("spoken.css") + _read("video.css")
    return _fill(
        "video.html", {"title": escape(title), "style": style, "script": _script(["video"])}
    )


def studio_page() -> bytes:
    """The page of the studio, which shows an avatar's page within it."""
    parts = {"style": _read("style.css") + _read("studio.css")}
    parts["script"] = _script(["panel", "studio_files", "studio"])
    return _fill("studio.html", parts)


def _fill(template: str, parts: Mapping[str, str]) -> bytes:
    """A template with its parts in their places."""
    text = re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _read(template))
    return text.encode()


def _script(parts: Iterable[str]) -> str:
    """Parts as one module, so that the page works from a disk, where modules load no others."""
    text = "\n".join(_read(f"{name}.js") for name in parts)
    return EXPORT.sub("", IMPORT.sub("", text))


def _read(name: str) -> str:
    return (resources.files("avatar.page") / "web" / name).read_text(encoding="utf-8")
