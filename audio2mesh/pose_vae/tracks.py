"""Tracks of heads on disk → angles and features of the voice at the network's frame rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import audio_beside, read_lag, read_rate
from audio2mesh.model.motion import sample_curves
from audio2mesh.prosody.listener import prosody_of
from audio2mesh.prosody.record import FRAMES_PER_SECOND, Floats, Prosody
from audio2mesh.sound.waveform import load_audio
from common.arrays import pick_floats, read_arrays
from common.errors import InputError
from common.remote_folder import downloaded, list_files
from common.shares import in_shares

FPS = 25
"""Frames of head motion a second."""
FEATURES = ("pitch", "slope", "energy", "voiced", "speaking", "left", "known")

_PITCH, _SLOPE, _ENERGY, _LEFT = 5.0, 30.0, 20.0, 2.0
"""Semitones, semitones a second, dB and seconds that count as one."""
_STEP = FRAMES_PER_SECOND // FPS


def voice_features(prosody: Prosody, frames: int) -> Tensor:
    """[F, FEATURES] of the first frames of a recording; all zero beyond its end.

    Pitch and its slope are 0 where nothing is voiced; `left` is the time to the end of the phrase.
    """
    pitch = np.nan_to_num(prosody.pitch)
    slope = np.diff(prosody.pitch, append=np.nan) * FRAMES_PER_SECOND
    columns = (
        pitch / _PITCH,
        np.clip(np.nan_to_num(slope) / _SLOPE, -3, 3),
        1 + prosody.energy / _ENERGY,
        ~np.isnan(prosody.pitch),
        prosody.speaking,
        _left(prosody) / _LEFT,
        np.ones(len(prosody)),
    )
    rows = np.stack(columns, 1).astype(np.float32)  # [T, FEATURES]
    rows = rows[: frames * _STEP]
    rows = np.pad(rows, ((0, frames * _STEP - len(rows)), (0, 0)))
    return torch.from_numpy(rows.reshape(frames, _STEP, len(FEATURES)).mean(1))


def _left(prosody: Prosody) -> Floats:
    """Seconds [T] to the end of the phrase, at most `_LEFT`; 0 outside of phrases."""
    left = np.zeros(len(prosody))
    for phrase in prosody.phrases:
        first, last = (round(t * FRAMES_PER_SECOND) for t in (phrase.start, phrase.end))
        left[first:last] = np.arange(last - first, 0, -1)[: len(left[first:last])]
    return np.minimum(left / FRAMES_PER_SECOND, _LEFT)


@dataclass(frozen=True)
class PoseTrack:
    """The head of somebody who speaks, F frames at FPS."""

    name: str
    angles: Tensor  # [F, 3] yaw, pitch, roll in degrees from their median
    voice: Tensor  # [F, FEATURES]


def load_tracks(folder: Path) -> list[PoseTrack]:
    """Read every `<id>.npz` of a folder that holds `head`, with the audio `<id>.wav` beside it.

    Of an .npz: `head` [F, 3] yaw, pitch and roll in degrees, `fps`, and optionally `sync_lag_ms`,
    by which the motion comes after the sound. Processes that train together read a share each.
    FileNotFoundError, or InputError that names the file.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of tracks")

    def read(path: Path) -> PoseTrack | None:
        with downloaded(path):
            return load_track(path) if "head" in read_arrays(path) else None

    found = [track for track in in_shares(read, list_files(folder, ".npz")) if track is not None]
    if not found:
        raise InputError(f"{folder}: no tracks (<id>.npz with `head` and `fps`) in this folder")
    return found


def load_track(path: Path) -> PoseTrack:
    """One track; see `load_tracks`."""
    data = read_arrays(path)
    rate, lag = read_rate(path, data), read_lag(path, data)
    head = torch.from_numpy(pick_floats(path, data, "head", (3,)))
    frames = int(len(head) / rate * FPS)
    if frames < 2:
        raise InputError(f"{path}: 'head' has {len(head)} frames, too few to learn a motion from")
    places = (torch.arange(frames, dtype=torch.float64) + 0.5) / FPS
    angles = sample_curves(head, (places + lag) * rate)
    voice = torch.zeros(frames, len(FEATURES))
    if sound := audio_beside(path):
        voice = voice_features(prosody_of(load_audio(sound)), frames)
    return PoseTrack(path.stem, angles - angles.median(0).values, voice)


def split_tracks(
    folders: Sequence[Path], held_out: Sequence[str]
) -> tuple[list[PoseTrack], list[PoseTrack]]:
    """The tracks that are trained on, and those that are held out. InputError where a held-out one
    is missing or none is left."""
    tracks = [track for folder in folders for track in load_tracks(folder)]
    names, where = {track.name for track in tracks}, ", ".join(map(str, folders))
    if missing := sorted(set(held_out) - names):
        raise InputError(f"{where}: no track is called {missing[0]}")
    training = [track for track in tracks if track.name not in held_out]
    if not training:
        raise InputError(f"{where}: every track is held out, none is left to train on")
    return training, [track for track in tracks if track.name in held_out]
