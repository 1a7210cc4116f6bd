"""Speech with its face motion, and fixed-length windows cut from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from scipy.signal import resample
from torch import Tensor

from audio2mesh.encoder import SAMPLE_RATE
from audio2mesh.motion import Motion, motion_basis, project, sample_curves
from audio2mesh.phones import Phone, from_arrays
from audio2mesh.waveform import load_audio

Origin = Literal["captured", "solved", "modelled"]
"""Where motion comes from: measured, solved or animated after video, or computed from phones."""

Split = Literal["train", "validation", "test", "test-b"]
"""Part of a data set, where it has published parts; "test-b" holds subjects never trained on."""

_AUDIO_SUFFIXES = (".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a", ".mp4")
_SPEECH_DB = -38.0  # under the loudest part of the envelope everything is pause
_CUT_FPS = 100  # frames per second of the motion of clips with shortened pauses
_BASIS_FRAMES = 1000  # frames, spread over all clips, from which a common basis is computed


@dataclass(frozen=True)
class FaceUnits:
    """Named vertex offsets at weight 1."""

    names: tuple[str, ...]
    offsets: Tensor  # [U, V, 3] metres


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

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class Window:
    """A stretch of a clip, as the model sees it."""

    audio: np.ndarray  # [S] float32
    coefficients: Tensor  # [F, K]
    style: str


def load_clips(folder: Path, units: FaceUnits, rest: Tensor) -> list[Clip]:
    """Read every `<id>.npz` of a folder with the audio `<id>.flac` (or .wav, .mp3, ..) beside it.

    The .npz holds `fps`, optionally `sync_lag_ms`, and either `arkit` [F, U] with `arkit_names`,
    weights of `units`, or `vertices` [F, V, 3] in metres, with the speaker's own rest face
    `template` [V, 3] where it differs from `rest`. The speaking style is `style`, by default the
    clip's id. Optional: `origin` (captured, solved or modelled) and the phones as `phone_labels`
    [n] and `phone_times` [n, 2] in seconds. ValueError names the file and what it lacks.
    """
    found = sorted(folder.glob("*.npz"))
    if not found:
        raise ValueError(
            f"{folder}: no speech-motion clips (<id>.npz with <id>.flac) in this folder"
        )
    return [_load_clip(path, units, rest) for path in found]


def _load_clip(path: Path, units: FaceUnits, rest: Tensor) -> Clip:
    with np.load(path, allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    if "fps" not in data:
        raise ValueError(f"{path}: the clip does not say its frame rate `fps`")
    return Clip(
        name=path.stem,
        style=str(data.get("style", path.stem)),
        audio=load_audio(_audio_beside(path)),
        motion=_read_motion(path, data, units, rest),
        fps=float(data["fps"]),
        lag=float(data.get("sync_lag_ms", 0.0)) / 1000,
        phones=_read_phones(path, data),
        origin=_read_origin(path, data),
    )


def _read_phones(path: Path, data: dict) -> tuple[Phone, ...]:
    if "phone_labels" not in data or "phone_times" not in data:
        return ()
    try:
        return from_arrays(data["phone_labels"], data["phone_times"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read_origin(path: Path, data: dict) -> Origin:
    name = str(data.get("origin", "captured"))
    for known in get_args(Origin):
        if name == known:
            return known
    raise ValueError(f"{path}: origin {name!r} is none of {', '.join(get_args(Origin))}")


def _audio_beside(path: Path) -> Path:
    for suffix in _AUDIO_SUFFIXES:
        if (audio := path.with_suffix(suffix)).exists():
            return audio
    raise ValueError(f"{path}: no recording {path.stem}.flac lies beside this clip")


def _read_motion(path: Path, data: dict, units: FaceUnits, rest: Tensor) -> Motion:
    if "arkit" in data and "arkit_names" in data:
        names = [str(name) for name in data["arkit_names"]]
        if unknown := set(names) - set(units.names):
            raise ValueError(f"{path}: the head has no face unit named {sorted(unknown)[0]}")
        order = [units.names.index(name) for name in names]
        return Motion(torch.from_numpy(data["arkit"]).float(), units.offsets[order])
    if "vertices" in data:
        vertices = torch.from_numpy(data["vertices"]).float()
        template = torch.from_numpy(data["template"]).float() if "template" in data else rest
        if vertices.shape[1:] != template.shape:
            raise ValueError(
                f"{path}: the clip has {vertices.shape[1]} vertices, the head {len(template)}"
            )
        offsets = vertices - template
        basis = motion_basis(offsets)
        return Motion(project(offsets, basis), basis)
    raise ValueError(f"{path}: the clip holds neither `arkit` with `arkit_names` nor `vertices`")


def common_basis(clips: Sequence[Clip]) -> Tensor:
    """One basis [K, V, 3] for the motion of all clips."""
    every = max(1, sum(len(clip.motion.coefficients) for clip in clips) // _BASIS_FRAMES)
    sampled = [
        Motion(clip.motion.coefficients[::every], clip.motion.basis).offsets() for clip in clips
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


def shorten_pauses(clip: Clip, rng: np.random.Generator) -> Clip:
    """The clip as running speech: most of each longer pause is cut out of sound and motion."""
    keep = np.ones(len(clip.audio), bool)
    for start, end in find_pauses(clip.audio):
        left = rng.uniform(0.05, 0.3)
        middle = (end - start - left) / 2
        if middle > 0:
            centre = (start + end) / 2
            low, high = (round((centre + sign * middle) * SAMPLE_RATE) for sign in (-1, 1))
            keep[low:high] = False
    step = SAMPLE_RATE // _CUT_FPS
    source = np.flatnonzero(keep)[::step] / SAMPLE_RATE
    motion = Motion(motion_at(clip, torch.from_numpy(source)), clip.motion.basis)
    return replace(clip, audio=clip.audio[keep], motion=motion, fps=_CUT_FPS, lag=0.0)


def find_pauses(audio: np.ndarray) -> np.ndarray:
    """Start and end [n, 2] in seconds of stretches more than 38 dB under the loudest 30 ms."""
    step = SAMPLE_RATE // 100
    power = np.square(audio[: len(audio) // step * step].reshape(-1, step)).mean(1)
    envelope = np.convolve(power, np.ones(3) / 3, "same")
    silent = envelope < envelope.max() * 10 ** (_SPEECH_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent.astype(int), [0]])))
    return edges.reshape(-1, 2) / 100


def clip_frames(clip: Clip, fps: float, count: int) -> Tensor:
    """Coefficients [F, K] at the centres of `count` video frames from the clip's start."""
    return motion_at(clip, (torch.arange(count, dtype=torch.float64) + 0.5) / fps)


def cut_window(clip: Clip, start: float, speed: float, samples: int, fps: float) -> Window:
    """A window that begins `start` seconds into the clip and plays `speed` times as fast.

    Sound and motion are sped up together, so the pitch changes too. Beyond the clip is silence.
    """
    source = round(samples * speed)
    first = round(start * SAMPLE_RATE)
    audio = np.zeros(source, np.float32)
    low, high = max(first, 0), min(first + source, len(clip.audio))
    if high > low:
        audio[low - first : high - first] = clip.audio[low:high]
    if source != samples:
        audio = np.asarray(resample(audio, samples), np.float32)
    frames = round(samples / SAMPLE_RATE * fps)
    times = start + (torch.arange(frames, dtype=torch.float64) + 0.5) / fps * speed
    return Window(audio, motion_at(clip, times), clip.style)
