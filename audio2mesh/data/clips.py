"""Speech with its face motion: reading it, one basis for all of it, its motion at any time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceUnits
from audio2mesh.data.options import AUDIO_SUFFIXES, Split
from audio2mesh.data.phones import Phone, from_arrays
from audio2mesh.model.motion import Motion, basis_stride, motion_basis, project, sample_curves
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from common.arrays import Arrays, pick_floats, pick_number, read_arrays
from common.errors import InputError, naming
from common.remote_folder import downloaded, list_files
from common.shares import in_shares

Origin = Literal["captured", "tracked", "solved", "modelled"]
"""Where motion comes from: measured, tracked in films, solved or animated after video by others, or
computed from phones."""

_FASTEST = 1000.0  # frames a second of motion
_SPEECH_DB = -38.0  # under the loudest part of the envelope everything is pause


@dataclass(frozen=True)
class Clip:
    """One recording with its motion; motion frame k belongs to second k/fps - lag of the audio."""

    name: str
    style: str
    audio: np.ndarray  # [S] float32, 16 kHz
    motion: Motion  # [F, ..]
    fps: float
    lag: float  # seconds by which the motion comes after the sound
    phones: tuple[Phone, ...] = ()  # in seconds of the audio; empty where they are not known
    origin: Origin = "captured"
    split: Split | None = None  # None where the data set is not divided
    kept: np.ndarray | None = None  # [S] samples of the recording; -1 of another; None: all of it

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


def load_clips(folder: Path, units: FaceUnits, rest: Tensor) -> list[Clip]:
    """Read every `<id>.npz` of a folder with the audio `<id>.flac` (or .wav, .mp3, ..) beside it.

    The .npz holds `fps`, optionally `sync_lag_ms`, and either `arkit` [F, U] with `arkit_names`,
    weights of `units`, or `vertices` [F, V, 3] in metres, with the speaker's own rest face
    `template` [V, 3] where it differs from `rest`, or `offsets` [F, V, 3] from it. The speaking
    style is `style`, by default the clip's id. Optional: `origin` (captured, tracked, solved or
    modelled) and the phones as `phone_labels` [n] and `phone_times` [n, 2] in seconds. Processes
    that train together read a share each. InputError names the file and what it lacks.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of clips")
    found = list_files(folder, ".npz")
    if not found:
        raise InputError(
            f"{folder}: no speech-motion clips (<id>.npz with <id>.flac) in this folder"
        )

    def read(path: Path) -> tuple[Clip, bool]:
        with downloaded(path):
            clip = load_clip(path, units, rest)
        if clip.motion.basis is not units.offsets:
            return clip, False
        return with_basis(clip, torch.empty(0)), True  # every process has that one already

    return [
        with_basis(clip, units.offsets) if of_units else clip
        for clip, of_units in in_shares(read, found)
    ]


def with_basis(clip: Clip, basis: Tensor) -> Clip:
    """The clip with the same coefficients on another basis."""
    return replace(clip, motion=Motion(clip.motion.coefficients, basis))


def load_clip(path: Path, units: FaceUnits, rest: Tensor) -> Clip:
    """One clip, from its `<id>.npz`; see `load_clips`."""
    data = read_arrays(path)
    if "fps" not in data:
        raise InputError(f"{path}: the clip does not say its frame rate `fps`")
    audio = audio_beside(path)
    if audio is None:
        raise InputError(f"{path}: no recording {path.stem}.flac lies beside this clip")
    return Clip(
        name=path.stem,
        style=str(data.get("style", path.stem)),
        audio=load_audio(audio),
        motion=_read_motion(path, data, units, rest),
        fps=read_rate(path, data),
        lag=read_lag(path, data),
        phones=read_phones(path, data),
        origin=_read_origin(path, data),
    )


def read_rate(path: Path, data: Arrays) -> float:
    """Frames a second of the motion in an .npz. InputError names the file."""
    rate = pick_number(path, data, "fps")
    if not 0 < rate <= _FASTEST:
        raise InputError(f"{path}: 'fps' is {rate:g}, not a number of frames a second")
    return rate


def read_lag(path: Path, data: Arrays) -> float:
    """Seconds by which the motion in an .npz comes after the sound; 0 where it does not say."""
    return pick_number(path, data, "sync_lag_ms") / 1000 if "sync_lag_ms" in data else 0.0


def read_phones(path: Path, data: Arrays) -> tuple[Phone, ...]:
    """The phones of a clip's .npz; none where it holds none. InputError names the file."""
    if "phone_labels" not in data or "phone_times" not in data:
        return ()
    with naming(path):
        return from_arrays(data["phone_labels"], data["phone_times"])


def _read_origin(path: Path, data: Arrays) -> Origin:
    name = str(data.get("origin", "captured"))
    if name not in get_args(Origin):
        raise InputError(f"{path}: origin {name!r} is none of {', '.join(get_args(Origin))}")
    return cast(Origin, name)


def audio_beside(path: Path) -> Path | None:
    """The recording of the same name, whatever its format."""
    return next((s for suffix in AUDIO_SUFFIXES if (s := path.with_suffix(suffix)).exists()), None)


def _read_motion(path: Path, data: Arrays, units: FaceUnits, rest: Tensor) -> Motion:
    if "arkit" in data and "arkit_names" in data:
        names = [str(name) for name in data["arkit_names"].ravel()]
        if unknown := set(names) - set(units.names):
            raise InputError(f"{path}: the head has no face unit named {sorted(unknown)[0]}")
        given = torch.from_numpy(pick_floats(path, data, "arkit", (len(names),)))
        weights = torch.zeros(len(given), len(units.names))
        weights[:, [units.names.index(name) for name in names]] = given
        return Motion(weights, units.offsets)
    if "vertices" in data:
        if "template" in data:
            rest = torch.from_numpy(pick_floats(path, data, "template", (3,)))
        vertices = torch.from_numpy(pick_floats(path, data, "vertices", (len(rest), 3)))
        return _on_own_basis(vertices - rest)
    if "offsets" in data:
        return _on_own_basis(torch.from_numpy(pick_floats(path, data, "offsets", (len(rest), 3))))
    raise InputError(
        f"{path}: the clip holds neither `arkit` with `arkit_names`, nor `vertices`, nor `offsets`"
    )


def _on_own_basis(offsets: Tensor) -> Motion:
    """Offsets [F, V, 3] on a basis of their own."""
    basis = motion_basis(offsets[:: basis_stride(len(offsets))])
    return Motion(project(offsets, basis), basis)


def common_basis(clips: Sequence[Clip]) -> Tensor:
    """One basis [K, V, 3] for the motion of all clips."""
    frames = [len(clip.motion.coefficients) for clip in clips]
    every = basis_stride(sum(frames))
    before = np.cumsum([0, *frames])
    sampled = [
        Motion(clip.motion.coefficients[-start % every :: every], clip.motion.basis).offsets()
        for clip, start in zip(clips, before.tolist(), strict=False)
    ]
    return motion_basis(torch.cat(sampled))


def on_basis(clip: Clip, basis: Tensor) -> Clip:
    """The clip with its motion projected onto another basis."""
    change = project(clip.motion.basis, basis)  # [C, K]
    return replace(clip, motion=Motion(clip.motion.coefficients @ change, basis))


def motion_at(clip: Clip, times: Tensor) -> Tensor:
    """Coefficients [n, K] at times [n] (seconds of the audio); at rest outside the recording."""
    values = sample_curves(clip.motion.coefficients, (times + clip.lag) * clip.fps)
    inside = (times >= 0) & (times <= clip.seconds)
    return values * inside[:, None].to(values)


def find_pauses(audio: np.ndarray) -> np.ndarray:
    """Start and end [n, 2] in seconds of stretches more than 38 dB under the loudest 30 ms."""
    step = SAMPLE_RATE // 100
    power = np.square(audio[: len(audio) // step * step].reshape(-1, step)).mean(1)
    envelope = np.convolve(power, np.ones(3) / 3, "same")
    silent = envelope < envelope.max() * 10 ** (_SPEECH_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent.astype(int), [0]])))
    return edges.reshape(-1, 2) / 100


def recording_times(clip: Clip, times: Tensor) -> Tensor:
    """Seconds [n] of the clip → seconds [n] of the recording it was cut from, NaN outside it."""
    exact = times * SAMPLE_RATE
    index = exact.floor().long()
    inside = (index >= 0) & (index < len(clip.audio))
    if clip.kept is None:
        return torch.where(inside, times, torch.nan)
    kept = torch.from_numpy(clip.kept)[index.clamp(0, len(clip.audio) - 1)]
    return torch.where(inside & (kept >= 0), kept + exact - index, torch.nan) / SAMPLE_RATE


def clip_frames(clip: Clip, fps: float, count: int) -> Tensor:
    """Coefficients [F, K] at the centres of `count` video frames from the clip's start."""
    return motion_at(clip, (torch.arange(count, dtype=torch.float64) + 0.5) / fps)
