"""One interface to all data that speech-to-motion weights are trained and scored on.

Lip and upper-face vertices of published topologies are read from the users' own files, in the
folder of the data or in its `regions`, as their licences do not allow shipping them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.vertex_files import (
    BIWI,
    VOCASET,
    Recording,
    read_vertex_files,
    read_vocaset_raw,
    to_clips,
)
from common.errors import InputError
from common.restricted_pickle import read_pickle

Scans = Literal["flame", "biwi"]

FLAME_GAP = (3546, 3504)
"""Upper and lower vertex of FLAME between which the lip gap is measured (CodeTalker issue 55)."""

_MASKS, _LIPS = "FLAME_masks.pkl", "lve.txt"
_UPPER_FACE_MASKS = ("forehead", "eye_region", "left_eye_region", "right_eye_region")
_NEIGHBOURS = 8  # nearest lip vertices among which a vertex's partner across the gap is looked for
_TOUCHING = 1e-3  # metres at which neighbours count as touching


def scan_geometry(folder: Path, topology: Scans, rest: Tensor, basis: Tensor) -> FaceGeometry:
    """Geometry of a scanned topology; `basis` [K, V, 3] is that of its motion.

    FileNotFoundError says which set is missing and where it comes from; InputError names a file
    whose indices do not belong to the topology.
    """
    lips, upper_face = _regions(folder, topology, len(rest))
    gap = FLAME_GAP if topology == "flame" else widest_gap(rest, basis, lips)
    upper, lower = (torch.tensor([vertex]) for vertex in gap)
    return FaceGeometry(rest, lips, upper, lower, upper_face, torch.zeros(0, dtype=torch.long))


def widest_gap(rest: Tensor, basis: Tensor, lips: Tensor) -> tuple[int, int]:
    """The pair (upper, lower) of lip vertices, neighbours at rest, that parts the most.

    At rest the inner edges of the lips touch, so vertices across the gap are near each other though
    no edge joins them; nowhere else on a face does a distance grow so much over what it is at rest.
    Of the two the upper one is the one that moves less.
    """
    distance, near = torch.cdist(rest[lips], rest[lips]).topk(
        min(_NEIGHBOURS, len(lips)), largest=False
    )  # [n, neighbours]
    offsets = basis[:, lips]  # [K, n, 3]
    apart = (offsets[:, :, None] - offsets[:, near]).square().sum((0, 3))  # [n, neighbours]
    growth = apart / (distance.square() + _TOUCHING**2)
    first, column = divmod(int(growth.argmax()), growth.shape[1])
    second = int(near[first, column])
    reach = offsets.square().sum((0, 2))  # [n]
    upper, lower = sorted((first, second), key=lambda i: float(reach[i]))
    return int(lips[upper]), int(lips[lower])


def _regions(folder: Path, topology: Scans, vertices: int) -> tuple[Tensor, Tensor]:
    """Indices of the lips, and of the upper face (none where the set is not there): FLAME's own
    masks where they lie there, else lists."""
    masks = _find(folder, _MASKS)
    if topology == "flame" and masks:
        return _from_masks(masks, vertices)
    lips, upper_face = _find(folder, _LIPS), _find(folder, "fdd.txt")
    if lips is None:
        raise FileNotFoundError(
            f"{folder / _LIPS}: is missing; CodeTalker ships it for BIWI and FaceDiffuser for "
            "VOCASET, indices of lip vertices"
        )
    upper = read_indices(upper_face, vertices) if upper_face else _indices([])
    return read_indices(lips, vertices), upper


def _from_masks(path: Path, vertices: int) -> tuple[Tensor, Tensor]:
    masks = read_pickle(path)
    if not isinstance(masks, dict) or "lips" not in masks:
        raise InputError(f"{path}: holds no vertex set 'lips'")
    upper = [masks[name] for name in _UPPER_FACE_MASKS if name in masks]
    lips = _checked(path, np.ravel(masks["lips"]).tolist(), vertices)
    return lips, _checked(path, np.concatenate([[], *map(np.ravel, upper)]).tolist(), vertices)


def read_indices(path: Path, vertices: int) -> Tensor:
    """Vertex indices [n] of a text file, parted by commas or white space; each once, in order."""
    words = [word for word in re.split(r"[\s,]+", path.read_text(errors="replace")) if word]
    if not words or not all(word.isdecimal() for word in words):
        raise InputError(f"{path}: is no list of vertex indices")
    return _checked(path, [int(word) for word in words], vertices)


def _checked(path: Path, indices: Sequence[float], vertices: int) -> Tensor:
    if indices and not 0 <= min(indices) <= max(indices) < vertices:
        raise InputError(f"{path}: names vertex {max(indices):.0f} of a mesh of {vertices}")
    return _indices(indices)


def _indices(values: Sequence[float]) -> Tensor:
    return torch.tensor(sorted({int(value) for value in values}), dtype=torch.long)


def _find(folder: Path, name: str) -> Path | None:
    places = (folder / name, folder / "regions" / name)
    return next((path for path in places if path.is_file()), None)


Format = Literal["clips", "vocaset-raw", "vocaset", "biwi"]


@dataclass(frozen=True)
class Dataset:
    """Speech with face motion of one topology."""

    clips: list[Clip]
    face: FaceGeometry
    topology: str
    fps: int
    """Frame rate at which models of these data are compared."""


def load_dataset(folder: Path, units: FaceUnits, face: FaceGeometry, topology: str) -> Dataset:
    """Read a folder of speech with motion; its files tell which format it has.

    - Speech-motion clips (see `load_clips`), on the head of `units`, `face` and `topology`.
    - VOCASET as distributed, or in FaceFormer's layout: topology "flame", 60 → 30 fps.
    - BIWI in FaceFormer's layout: topology "biwi", 25 fps, scaled to metres.

    The clips of the latter two have the published `split`.
    FileNotFoundError or InputError says what is missing or wrong.
    """
    match recognise(folder):
        case "clips":
            return Dataset(load_clips(folder, units, face.rest), face, topology, 25)
        case "vocaset-raw":
            return _from_scans(folder, read_vocaset_raw(folder), "flame", 30)
        case "vocaset":
            return _from_scans(folder, read_vertex_files(folder, VOCASET), "flame", 30)
        case "biwi":
            return _from_scans(folder, read_vertex_files(folder, BIWI), "biwi", 25)
        case other:
            assert_never(other)


def recognise(folder: Path) -> Format:
    """The format of a folder. InputError or FileNotFoundError if it is none of them."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of training data")
    if (folder / "data_verts.npy").exists():
        return "vocaset-raw"
    files = sorted((folder / "vertices_npy").glob("*.npy"))
    if any("_sentence" in path.stem for path in files):
        return "vocaset"
    if any("_e" in path.stem for path in files):
        return "biwi"
    if files:
        raise InputError(
            f"{files[0]}: is named neither <subject>_sentenceNN.npy (VOCASET) nor "
            "<subject>_eNN.npy (BIWI)"
        )
    return "clips"


def _from_scans(folder: Path, recordings: list[Recording], topology: Scans, fps: int) -> Dataset:
    trained = [recording for recording in recordings if recording.split == "train"]
    if not trained:
        raise InputError(f"{folder}: has no recording of the published training subjects")
    clips, basis = to_clips(recordings)
    rest = torch.stack([recording.template for recording in trained]).mean(0)
    face = scan_geometry(folder, topology, rest, basis)
    return Dataset(clips, face, topology, fps)
