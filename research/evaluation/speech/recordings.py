"""Recordings to be judged: speech, its phones where they are known, the true motion where it is."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from audio2mesh.data.clips import Clip, clip_frames, load_clip, read_phones
from audio2mesh.data.dataset import load_dataset, recognise
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.options import AUDIO_SUFFIXES
from audio2mesh.data.phones import Phone
from audio2mesh.model.motion import Motion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from common.arrays import array_names, read_arrays
from common.errors import InputError
from research.evaluation.options import MaterialOptions


@dataclass(frozen=True)
class Recording:
    """One recording; `clip` is its true motion."""

    name: str  # <id>, or <folder>/<id> where several folders are read
    audio: np.ndarray  # [S] float32, 16 kHz
    phones: tuple[Phone, ...] = ()
    clip: Clip | None = None

    @property
    def names(self) -> set[str]:
        """What it may be called by."""
        return {self.name, self.name.rpartition("/")[2]}

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE

    def truth(self, fps: float, frames: int) -> Motion | None:
        """The true motion at the centres of `frames` video frames."""
        if self.clip is None:
            return None
        return Motion(clip_frames(self.clip, fps, frames), self.clip.motion.basis)


@dataclass(frozen=True)
class Material:
    """Recordings and the face that moves in them."""

    recordings: list[Recording]
    face: FaceGeometry
    topology: str


def load_material(
    options: MaterialOptions, units: FaceUnits, face: FaceGeometry, topology: str
) -> Material:
    """The recordings of some folders; `units`, `face` and `topology` are those of the clips' head.

    An audio file may have an <id>.npz beside it with motion and phones (see `load_clips`), with
    phones alone, or none. FileNotFoundError for a folder that is not there, InputError for one
    without recordings, a name that none has, an .npz without its recording, or topologies that
    differ.
    """
    own = Material([], face, topology)
    sets = [_load_folder(path, options, own, units) for path in options.data]
    for path, found in zip(options.data, sets, strict=True):
        if found.topology != sets[0].topology:
            raise InputError(
                f"{path} has the topology {found.topology}, {options.data[0]} has "
                f"{sets[0].topology}; measure one of them at a time"
            )
    recordings = [recording for found in sets for recording in found.recordings]
    if unknown := set(options.clips) - {name for r in recordings for name in r.names}:
        folders = ", ".join(map(str, options.data))
        raise InputError(f"{folders}: no recording is called {sorted(unknown)[0]}")
    return replace(sets[0], recordings=recordings)


def _load_folder(path: Path, options: MaterialOptions, own: Material, units: FaceUnits) -> Material:
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: there is no such folder of recordings")
    prefix = f"{path.name}/" if len(options.data) > 1 else ""
    wanted = {name.removeprefix(prefix) for name in options.clips}
    if recognise(path) == "clips":
        files = [file for file in _audio_files(path) if not wanted or file.stem in wanted]
        found = [_load(file, prefix, units, own.face.rest) for file in files]
        return replace(own, recordings=found)
    dataset = load_dataset(path, units, own.face, own.topology)
    clips = [clip for clip in dataset.clips if clip.split == options.split]
    if not clips:
        raise InputError(f"{path}: has no recording of the split {options.split}")
    chosen = [clip for clip in clips if not wanted or clip.name in wanted]
    found = [Recording(prefix + clip.name, clip.audio, clip.phones, clip) for clip in chosen]
    return Material(found, dataset.face, dataset.topology)


def _audio_files(folder: Path) -> list[Path]:
    sounds = {path.stem: path for path in folder.iterdir() if path.suffix in AUDIO_SUFFIXES}
    if lonely := sorted({path.stem for path in folder.glob("*.npz")} - set(sounds)):
        raise InputError(f"{folder / lonely[0]}.npz: no recording lies beside this clip")
    if not sounds:
        raise InputError(f"{folder}: no recordings ({', '.join(AUDIO_SUFFIXES)}) in this folder")
    return [sounds[stem] for stem in sorted(sounds)]


def _load(audio: Path, prefix: str, units: FaceUnits, rest: Tensor) -> Recording:
    name, beside = prefix + audio.stem, audio.with_suffix(".npz")
    if not beside.exists():
        return Recording(name, load_audio(audio))
    if not {"arkit", "vertices"} & array_names(beside):
        return Recording(name, load_audio(audio), read_phones(beside, read_arrays(beside)))
    clip = load_clip(beside, units, rest)
    return Recording(name, clip.audio, clip.phones, clip)
