"""The page itself: one HTML file that holds style, script, avatar, motion and sound."""

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

from avatar.heads import Head
from avatar.page.arrays import avatar_arrays, basis_arrays, light_arrays, pack, pose_array
from avatar.rig.avatar import Avatar

COMMON = ("data", "rig", "draw", "camera", "motion", "panel", "stage")
RECORDED, SPOKEN = ("clock", "recorded"), ("resample", "ear", "heard", "talk", "spoken")
"""The parts of a script that both kinds of pages have, and those of either, each after those that
it needs; `main` comes last."""

BARS = 80  # of the picture of how loud it is
IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """What a page plays."""

    names: tuple[str, ...]  # [C] those that are ARKit units move as the sliders do
    basis: Tensor  # [C, V, 3] metres
    coefficients: Tensor  # [F, C]
    head_pose: Tensor  # [F, 4, 4]
    fps: float
    sound: bytes | None = None  # AAC in MP4
    loudness: NDArray = field(default_factory=lambda: np.zeros(BARS))  # in 0..1, from begin to end


@dataclass(frozen=True)
class Live:
    """What a page gets from a server while somebody speaks."""

    names: tuple[str, ...]  # [C] those that are ARKit units move as the sliders do
    basis: Tensor  # [C, V, 3] metres
    mouth: int  # how many of these, the first ones, are the mouth's
    rest: Tensor  # [C + 7] the row of a mouth that says nothing, and the pose of a still head
    fps: int
    latency: float  # seconds from a frame's start to its coming out


@dataclass(frozen=True)
class Framing:
    """What the camera sees at first."""

    target: Tensor  # [3]
    distance: float  # metres
    extent: float  # metres that a square picture shows from top to bottom


def build_page(
    title: str,
    avatar: Avatar,
    head: Head,
    framing: Framing,
    feelings: Mapping[str, Mapping[str, float]],
    played: Played | Live | None = None,
    lights: Mapping[str, NDArray[np.uint8]] | None = None,
) -> bytes:
    """A page that shows an avatar.

    head: of the avatar's mesh, whose units become sliders; feelings: weights of units by name;
    lights: colours [N, 3] of the Gaussians, by the name of the light that makes them.
    """
    arrays, scales = avatar_arrays(avatar)
    names, basis = _rows(head, played)
    arrays |= basis_arrays(basis)
    arrays["follows"] = head.pose_weights.numpy().astype(np.float32)
    facts: dict[str, Any] = {
        "units": head.unit_names,
        "rows": len(names),
        "scales": scales,
        "pivot": head.pivot.tolist(),
        "feelings": {name: dict(weights) for name, weights in feelings.items()},
        "framing": {
            "target": framing.target.tolist(),
            "distance": framing.distance,
            "extent": framing.extent,
        },
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
    facts["arrays"] = packed.places
    return _filled(title, facts, packed.text, isinstance(played, Live))


def _rows(head: Head, played: Played | Live | None) -> tuple[list[str], Tensor]:
    """Names and offsets of all directions: the units, then what else the motion is made of."""
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


def _filled(title: str, facts: Mapping[str, Any], arrays: str, live: bool) -> bytes:
    """The page with everything in its place. live: it speaks with the server that it came from,
    and with nobody else."""
    parts = {
        "title": escape(title),
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
    """A page that calls the server that it came from, and shows the pictures that come back."""
    style = _read("style.css") + _read("spoken.css") + _read("video.css")
    return _fill(
        "video.html", {"title": escape(title), "style": style, "script": _script(["video"])}
    )


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
