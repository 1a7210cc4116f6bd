"""Registrations, kept in the user's cache folder by the content of what was registered."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.heads import Head, load_head
from avatar.mesh import Mesh
from avatar.mesh.similarity import Similarity
from avatar.transfer.registration import Registration, register
from common.arrays import read_arrays
from common.cache import cache_folder, content_key, keep_arrays, mark_used
from common.errors import InputError

KEPT = 100  # registrations, of about 100 kB each
ROOMS = ("transfer", "mesh", "heads")
"""The folders of avatar/ whose code decides a registration."""


def registered(mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Registration:
    """Register anny-head to a mesh (see register), or take the same registration from the cache."""
    path = cache_folder() / "registrations" / f"{_key(mesh, landmarks or {})}.npz"
    known = _read(path)
    if known is not None:
        return known
    registration = register(load_head(), mesh, landmarks)
    keep_arrays(path, _arrays(registration), KEPT)
    return registration


def _key(mesh: Mesh, landmarks: Mapping[str, Tensor]) -> str:
    """A hash of everything that decides a registration: what is registered, and our own code."""
    decisive = _decisive(mesh, load_head(), landmarks)
    rooms = (Path(__file__).parents[1] / room for room in ROOMS)
    return content_key(((name, tensor.numpy()) for name, tensor in decisive), rooms)


def _decisive(
    mesh: Mesh, head: Head, landmarks: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """The mesh, all that the template is made of, and the landmarks, by name."""
    yield from (("mesh", mesh.vertices), ("mesh", mesh.faces))
    yield from (("head", head.vertices), ("head", head.faces))
    yield " ".join(head.unit_names), head.units
    yield " ".join(head.group_names), head.face_groups
    yield from sorted(head.regions.items())
    yield from sorted(landmarks.items())


def _read(path: Path) -> Registration | None:
    """The registration in a file; None where there is none or it is damaged."""
    try:
        data = read_arrays(path)
        fitted = torch.from_numpy(data["fitted"])
        scale, rotation, shift = (data[key] for key in ("scale", "rotation", "translation"))
        residual, cover = float(data["residual_mm"]), float(data["cover"])
    except (OSError, InputError, KeyError):
        return None
    if fitted.shape != load_head().vertices.shape or not bool(fitted.isfinite().all()):
        return None
    mark_used(path)
    return Registration(fitted, residual, cover, Similarity(float(scale), rotation, shift))


def _arrays(registration: Registration) -> dict[str, NDArray]:
    to_head = registration.to_head
    return {
        "fitted": registration.fitted.numpy(),
        "residual_mm": np.array(registration.residual_mm),
        "cover": np.array(registration.cover),
        "scale": np.array(to_head.scale),
        "rotation": to_head.rotation,
        "translation": to_head.translation,
    }
