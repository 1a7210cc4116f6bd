"""Recordings to be judged: speech, its phones where they are known, the true motion where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.clips import AUDIO_SUFFIXES, Clip, FaceUnits, load_clip, motion_at, read_phones
from audio2mesh.encoder import SAMPLE_RATE
from audio2mesh.motion import Motion
from audio2mesh.phones import Phone
from audio2mesh.waveform import load_audio


@dataclass(frozen=True)
class Recording:
    """One recording; `clip` is its true motion."""

    name: str  # <id>, or <folder>/<id> where several folders are read
    audio: np.ndarray  # [S] float32, 16 kHz
    phones: tuple[Phone, ...] = ()
    clip: Clip | None = None

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE

    def truth(self, fps: float, frames: int) -> Motion | None:
        """The true motion at the centres of `frames` video frames."""
        if self.clip is None:
            return None
        times = (torch.arange(frames, dtype=torch.float64) + 0.5) / fps
        return Motion(motion_at(self.clip, times), self.clip.motion.basis)


def load_recordings(
    folders: Sequence[Path], names: Sequence[str], units: FaceUnits, rest: Tensor
) -> list[Recording]:
    """Every recording of some folders, or those with these names.

    An audio file may have an <id>.npz beside it with motion and phones (see `load_clips`),
    with phones alone, or none. FileNotFoundError for a folder that is not there, ValueError for one
    without recordings, a name that none has, or an .npz without its recording.
    """
    found = {
        path.stem if len(folders) == 1 else f"{folder.name}/{path.stem}": path
        for folder in folders
        for path in _audio_files(folder)
    }
    if unknown := set(names) - set(found) - {path.stem for path in found.values()}:
        raise ValueError(
            f"{', '.join(map(str, folders))}: no recording is called {sorted(unknown)[0]}; "
            f"there are {', '.join(list(found)[:20])}"
        )
    return [
        _load(name, path, units, rest)
        for name, path in found.items()
        if not names or name in names or path.stem in names
    ]


def _audio_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of recordings")
    sounds = {path.stem: path for path in folder.iterdir() if path.suffix in AUDIO_SUFFIXES}
    if lonely := sorted({path.stem for path in folder.glob("*.npz")} - set(sounds)):
        raise ValueError(f"{folder / lonely[0]}.npz: no recording lies beside this clip")
    if not sounds:
        raise ValueError(f"{folder}: no recordings ({', '.join(AUDIO_SUFFIXES)}) in this folder")
    return [sounds[stem] for stem in sorted(sounds)]


def _load(name: str, audio: Path, units: FaceUnits, rest: Tensor) -> Recording:
    beside = audio.with_suffix(".npz")
    if not beside.exists():
        return Recording(name, load_audio(audio))
    with np.load(beside, allow_pickle=False) as file:
        if "arkit" not in file.files and "vertices" not in file.files:
            return Recording(name, load_audio(audio), read_phones(beside, file))
    clip = load_clip(beside, units, rest)
    return Recording(name, clip.audio, clip.phones, clip)
