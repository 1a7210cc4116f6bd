"""VOCASET and BIWI: two layouts on disk, and the published splits.

FaceFormer's layout (github.com/EvelynFan/FaceFormer, commit dfaea819: data_loader.py):
`vertices_npy/<subject>_<sentence>.npy` [T, 3V], `wav/<same>.wav` and `templates.pkl`, a dict of the
subjects' rest faces.

VOCASET as its authors distribute it (voca.is.tue.mpg.de): `data_verts.npy` [N, 5023, 3] metres, far
too large for memory; `subj_seq_to_idx.pkl`: subject → sequence → frame → row;
`raw_audio_fixed.pkl`: subject → sequence → sample_rate and audio; and `templates.pkl`.

VOCASET is split as in FaceFormer, BIWI as in CodeTalker (github.com/Doubiiu/CodeTalker). Recordings
that a split leaves out are not used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip
from audio2mesh.data.options import Split
from audio2mesh.model.motion import Motion, basis_stride, motion_basis, project
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.resampling import resample_audio
from audio2mesh.sound.waveform import load_audio
from common.errors import InputError
from common.restricted_pickle import read_pickle


@dataclass(frozen=True)
class Recording:
    """One recording's sound, and where its vertices are read from."""

    name: str
    style: str
    split: Split
    fps: float
    template: Tensor  # [V, 3] metres, the speaker's own rest face
    audio: np.ndarray  # [S] float32, 16 kHz
    stored: np.ndarray  # [T, 3V] or [T, V, 3] vertices, memory-mapped
    rows: np.ndarray  # [F] of them that are used
    metres: float  # in one unit of them


def to_clips(recordings: Sequence[Recording]) -> tuple[list[Clip], Tensor]:
    """All clips, and the training motion's basis [K, V, 3] from frames spread evenly over it.

    Raises InputError if no recording is for training.
    """
    trained = [recording for recording in recordings if recording.split == "train"]
    every = basis_stride(sum(len(recording.rows) for recording in trained))
    basis = motion_basis(torch.cat([_offsets(recording, every) for recording in trained]))
    return [_to_clip(recording, basis) for recording in recordings], basis


def _to_clip(recording: Recording, basis: Tensor) -> Clip:
    offsets = _offsets(recording)
    if recording.split == "train":
        motion = Motion(project(offsets, basis), basis)
    else:
        motion = Motion(torch.eye(len(offsets)), offsets)
    return Clip(
        name=recording.name,
        style=recording.style,
        audio=recording.audio,
        motion=motion,
        fps=recording.fps,
        lag=0.0,
        split=recording.split,
    )


def _offsets(recording: Recording, every: int = 1) -> Tensor:
    """Offsets [n, V, 3] in metres of every so many-th frame from the speaker's rest face."""
    vertices = recording.stored[recording.rows[::every]] * recording.metres
    return torch.from_numpy(vertices.reshape(len(vertices), -1, 3)).float() - recording.template


_VOCASET_TRAIN = (
    "FaceTalk_170728_03272_TA",
    "FaceTalk_170904_00128_TA",
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170915_00223_TA",
    "FaceTalk_170811_03274_TA",
    "FaceTalk_170913_03279_TA",
    "FaceTalk_170904_03276_TA",
    "FaceTalk_170912_03278_TA",
)
_VOCASET_VALIDATION = ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA")
_VOCASET_TEST = ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA")
_BIWI_TRAIN = ("F2", "F3", "F4", "M3", "M4", "M5")
_BIWI_TEST_B = ("F1", "F5", "F6", "F7", "F8", "M1", "M2", "M6")

VOCASET_SUBJECTS = (*_VOCASET_TRAIN, *_VOCASET_VALIDATION, *_VOCASET_TEST)
BIWI_SUBJECTS = (*_BIWI_TRAIN, *_BIWI_TEST_B)


def vocaset_split(subject: str, sentence: int) -> Split | None:
    """Sentences 1-40 of the eight training subjects, 21-40 of the two and two others."""
    if subject in _VOCASET_TRAIN and 1 <= sentence <= 40:
        return "train"
    if subject in _VOCASET_VALIDATION and 21 <= sentence <= 40:
        return "validation"
    if subject in _VOCASET_TEST and 21 <= sentence <= 40:
        return "test"
    return None


def biwi_split(subject: str, sentence: int) -> Split | None:
    """Emotional sentences 1-32, 33-36 and 37-40 of six subjects; "test-b" is 37-40 of the rest."""
    if subject in _BIWI_TRAIN and 1 <= sentence <= 40:
        return "train" if sentence <= 32 else "validation" if sentence <= 36 else "test"
    if subject in _BIWI_TEST_B and 37 <= sentence <= 40:
        return "test-b"
    return None


@dataclass(frozen=True)
class VertexFiles:
    """What one data set has of its own in this layout."""

    vertices: int  # V
    fps: float  # of the files
    every: int  # of so many frames one is used
    metres: float  # in one unit of the files
    sentence: str  # what the sentence's number is preceded by in a file's name
    split: Callable[[str, int], Split | None]


VOCASET = VertexFiles(5023, 60.0, 2, 1.0, "_sentence", vocaset_split)
BIWI = VertexFiles(23_370, 25.0, 1, 0.2, "_e", biwi_split)
"""UniTalker (arXiv 2408.00762) brings BIWI's files to VOCASET's metres with that factor, about."""


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
    stored = open_array(path)
    shape = stored.shape
    if len(shape) < 2 or shape[0] == 0 or np.prod(shape[1:]) != 3 * kind.vertices:
        raise InputError(f"{path}: has shape {shape}, expected [T, {3 * kind.vertices}]")
    return Recording(
        name=path.stem,
        style=subject,
        split=split,
        fps=kind.fps / kind.every,
        template=templates[subject],
        audio=load_audio(wav),
        stored=stored,
        rows=np.arange(0, len(stored), kind.every),
        metres=kind.metres,
    )


def open_array(path: Path) -> np.ndarray:
    """A .npy file, memory-mapped. FileNotFoundError or InputError names the file."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy file ({error})") from error


def read_vocaset_raw(folder: Path) -> list[Recording]:
    """Every recording of the folder that the published split names, every second frame of it.

    FileNotFoundError or InputError names a missing or damaged file, or what it lacks.
    """
    rows = read_pickle(folder / "subj_seq_to_idx.pkl")
    sounds = read_pickle(folder / "raw_audio_fixed.pkl")
    templates = read_templates(folder / "templates.pkl", VOCASET.vertices)
    vertices = open_array(folder / "data_verts.npy")
    if vertices.shape[1:] != (VOCASET.vertices, 3):
        path = folder / "data_verts.npy"
        raise InputError(f"{path}: has shape {vertices.shape}, expected [N, 5023, 3]")
    recordings = []
    for subject in sorted(set(rows) & set(VOCASET_SUBJECTS)):
        for sequence in sorted(rows[subject]):
            split = vocaset_split(subject, int(sequence.removeprefix("sentence")))
            if split is None:
                continue
            recordings.append(
                Recording(
                    name=f"{subject}_{sequence}",
                    style=subject,
                    split=split,
                    fps=VOCASET.fps / VOCASET.every,
                    template=_entry(templates, folder / "templates.pkl", subject),
                    audio=_read_audio(folder, sounds, subject, sequence),
                    stored=vertices,
                    rows=_rows(folder, rows[subject][sequence], len(vertices)),
                    metres=VOCASET.metres,
                )
            )
    return recordings


def _rows(folder: Path, rows_of_frames: dict[int, int], count: int) -> np.ndarray:
    """Rows [F] of every second frame."""
    rows = np.array([rows_of_frames[frame] for frame in sorted(rows_of_frames)][:: VOCASET.every])
    if len(rows) == 0 or rows.min() < 0 or rows.max() >= count:
        raise InputError(f"{folder / 'subj_seq_to_idx.pkl'}: does not belong to data_verts.npy")
    return rows


def _read_audio(folder: Path, sounds: Any, subject: str, sequence: str) -> np.ndarray:
    path = folder / "raw_audio_fixed.pkl"
    sound = _entry(_entry(sounds, path, subject), path, sequence)
    samples = np.ravel(_entry(sound, path, "audio"))
    if np.issubdtype(samples.dtype, np.integer):
        samples = samples / -float(np.iinfo(samples.dtype).min)
    rate = int(_entry(sound, path, "sample_rate"))
    return resample_audio(samples.astype(np.float32), rate, SAMPLE_RATE)


def _entry(table: Any, path: Path, key: str) -> Any:
    if not isinstance(table, dict) or key not in table:
        raise InputError(f"{path}: lacks an entry {key!r}")
    return table[key]
