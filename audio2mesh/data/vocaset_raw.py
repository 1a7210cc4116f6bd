"""VOCASET as its authors distribute it (voca.is.tue.mpg.de).

`data_verts.npy` [N, 5023, 3] metres, far too large for memory; `subj_seq_to_idx.pkl`: subject →
sequence → frame → row; `raw_audio_fixed.pkl`: subject → sequence → sample_rate and audio; and
`templates.pkl`: subject → rest face.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from audio2mesh.data.scan_clips import Recording
from audio2mesh.data.splits import VOCASET_SUBJECTS, vocaset_split
from audio2mesh.data.vertex_files import VOCASET, open_array, read_templates
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.resampling import resample_audio
from common.errors import InputError
from common.restricted_pickle import read_pickle


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
            chosen = _rows(folder, rows[subject][sequence], len(vertices))
            recordings.append(
                Recording(
                    name=f"{subject}_{sequence}",
                    style=subject,
                    split=split,
                    fps=VOCASET.fps / VOCASET.every,
                    frames=len(chosen),
                    template=_entry(templates, folder / "templates.pkl", subject),
                    audio=partial(_read_audio, folder, sounds, subject, sequence),
                    vertices=partial(_read_vertices, vertices, chosen),
                )
            )
    return recordings


def _rows(folder: Path, rows_of_frames: dict[int, int], count: int) -> np.ndarray:
    """Rows [F] of every second frame."""
    rows = np.array([rows_of_frames[frame] for frame in sorted(rows_of_frames)][:: VOCASET.every])
    if len(rows) == 0 or rows.min() < 0 or rows.max() >= count:
        raise InputError(f"{folder / 'subj_seq_to_idx.pkl'}: does not belong to data_verts.npy")
    return rows


def _read_vertices(vertices: np.ndarray, rows: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return vertices[rows[frames]]


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
