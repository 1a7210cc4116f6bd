"""The layout that FaceFormer brought VOCASET and BIWI into.

`vertices_npy/<subject>_<sentence>.npy` [T, 3V], `wav/<same>.wav` and `templates.pkl`, a dict of the
subjects' rest faces. github.com/EvelynFan/FaceFormer, commit dfaea819: data_loader.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Split
from audio2mesh.data.scan_clips import Recording
from audio2mesh.data.splits import biwi_split, vocaset_split
from audio2mesh.sound.waveform import load_audio
from common.errors import InputError
from common.restricted_pickle import read_pickle

VOCASET_VERTICES = 5023
BIWI_VERTICES = 23_370
BIWI_METRES = 0.2
"""Metres in one unit of BIWI's files, about: UniTalker (arXiv 2408.00762) brings them to VOCASET's
metres with this factor."""


@dataclass(frozen=True)
class VertexFiles:
    """What one data set has of its own in this layout."""

    vertices: int  # V
    fps: float  # of the files
    every: int  # of so many frames one is used
    metres: float  # in one unit of the files
    sentence: str  # what the sentence's number is preceded by in a file's name
    split: Callable[[str, int], Split | None]


VOCASET = VertexFiles(VOCASET_VERTICES, 60.0, 2, 1.0, "_sentence", vocaset_split)
BIWI = VertexFiles(BIWI_VERTICES, 25.0, 1, BIWI_METRES, "_e", biwi_split)


def read_vertex_files(folder: Path, kind: VertexFiles) -> list[Recording]:
    """Every recording of the folder that the published split names.

    Raises FileNotFoundError for a missing templates.pkl or .wav, InputError for files of another
    shape and for a subject without rest face.
    """
    templates = read_templates(folder / "templates.pkl", kind.vertices, kind.metres)
    recordings = []
    for path in sorted((folder / "vertices_npy").glob("*.npy")):
        subject, _, number = path.stem.rpartition(kind.sentence)
        split = kind.split(subject, int(number)) if number.isdigit() else None
        if split is not None:
            recordings.append(_recording(path, subject, split, templates, kind))
    return recordings


def read_templates(path: Path, vertices: int, metres: float = 1.0) -> dict[str, Tensor]:
    """Rest faces [V, 3] in metres by subject."""
    templates = read_pickle(path)
    if not isinstance(templates, dict):
        raise InputError(f"{path}: holds no dict of subjects and their rest faces")
    for subject, template in templates.items():
        if not isinstance(template, np.ndarray) or template.size != 3 * vertices:
            raise InputError(f"{path}: the rest face of {subject} has not {vertices} vertices")
    return {
        str(subject): torch.from_numpy(template.reshape(-1, 3) * metres).float()
        for subject, template in templates.items()
    }


def _recording(
    path: Path, subject: str, split: Split, templates: Mapping[str, Tensor], kind: VertexFiles
) -> Recording:
    wav = path.parents[1] / "wav" / f"{path.stem}.wav"
    if not wav.is_file():
        raise FileNotFoundError(f"{wav}: the recording of {path.name} is missing")
    if subject not in templates:
        raise InputError(f"{path.parents[1] / 'templates.pkl'}: has no rest face of {subject}")
    shape = open_array(path).shape
    if len(shape) < 2 or shape[0] == 0 or np.prod(shape[1:]) != 3 * kind.vertices:
        raise InputError(f"{path}: has shape {shape}, expected [T, {3 * kind.vertices}]")
    return Recording(
        name=path.stem,
        style=subject,
        split=split,
        fps=kind.fps / kind.every,
        frames=-(-shape[0] // kind.every),
        template=templates[subject],
        audio=partial(load_audio, wav),
        vertices=partial(_read_vertices, path, kind),
    )


def _read_vertices(path: Path, kind: VertexFiles, frames: np.ndarray) -> np.ndarray:
    rows = open_array(path)[frames * kind.every]
    return (rows * kind.metres).reshape(len(rows), -1, 3)


def open_array(path: Path) -> np.ndarray:
    """A .npy file, memory-mapped. FileNotFoundError or InputError names the file."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy file ({error})") from error
