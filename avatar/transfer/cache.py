"""Registrations, kept in the user's cache folder by the content of what was registered."""

import hashlib
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.heads import load_head
from avatar.mesh import Mesh
from avatar.mesh.similarity import Similarity
from avatar.transfer.registration import Registration, register
from common.atomic import write_beside

VARIABLE = "VOICESPLAT_CACHE"


def registered(mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Registration:
    """Register anny-head to a mesh (see register), or take the same registration from the cache."""
    path = cache_folder() / "registrations" / f"{_key(mesh, landmarks or {})}.npz"
    known = _read(path)
    if known is not None:
        return known
    registration = register(load_head(), mesh, landmarks)
    try:
        _write(path, registration)
    except OSError as error:
        print(f"{path} could not be kept: {error.strerror or error}", file=sys.stderr)
    return registration


def cache_folder() -> Path:
    """Where this project keeps what it can compute again; VOICESPLAT_CACHE names another folder."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "voicesplat"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "voicesplat"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voicesplat"


def _key(mesh: Mesh, landmarks: Mapping[str, Tensor]) -> str:
    """A hash of everything that decides a registration, this package's code included."""
    digest = hashlib.sha256()
    head = load_head()
    arrays = (mesh.vertices, mesh.faces, head.vertices, head.faces)
    for array in (*arrays, *(landmarks[name] for name in sorted(landmarks))):
        digest.update(f"{array.dtype}{tuple(array.shape)}".encode())
        digest.update(array.contiguous().numpy().tobytes())
    digest.update("".join(sorted(landmarks)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> Registration | None:
    """The registration in a file; None where there is none or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            fitted = torch.from_numpy(data["fitted"])
            scale, rotation, shift = (data[key] for key in ("scale", "rotation", "translation"))
            residual, cover = float(data["residual_mm"]), float(data["cover"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if fitted.shape != load_head().vertices.shape or not bool(fitted.isfinite().all()):
        return None
    return Registration(fitted, residual, cover, Similarity(float(scale), rotation, shift))


def _write(path: Path, registration: Registration) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    to_head = registration.to_head
    with write_beside(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            fitted=registration.fitted.numpy(),
            residual_mm=registration.residual_mm,
            cover=registration.cover,
            scale=to_head.scale,
            rotation=to_head.rotation,
            translation=to_head.translation,
        )
