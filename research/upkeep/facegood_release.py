"""The speech with mouth motion in the public release of FACEGOOD-Audio2Face → speech-motion clips.

github.com/FACEGOOD/FACEGOOD-Audio2Face, commit e6d41b6ed9e4, MIT licence: `code/train/wav/<id>.wav`
and `code/train/bs_value/bs_value_<id>.npy` [T, 116], weights of that project's own rig at 30 fps,
made in Maya after video. `facegood/NOTICE.md` says how they map to the 52 ARKit units.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfiltfilt

from audio2mesh.data.lips import best_lag
from audio2mesh.data.vertex_files import open_array
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from common.arrays import write_arrays
from common.atomic import write_beside
from common.errors import InputError

FPS = 30
_PREFIX = "bs_value_"
_JAW = "mouth_stretch_c"
_USED = 0.05  # peak of a column that counts as used
_LARGEST_LAG = 0.3  # seconds
_LAG_RATE = 200  # steps per second at which sound and jaw are compared
_SPEECH_BAND = (200, 4000)  # Hz
_SMOOTHING = 0.05  # seconds


@dataclass(frozen=True)
class FaceMap:
    """A linear map between two sets of face units."""

    weights: np.ndarray  # [116, 52]
    source_names: tuple[str, ...]
    arkit_names: tuple[str, ...]


@cache
def face_map() -> FaceMap:
    """The map beside this file."""
    path = Path(__file__).parent / "facegood" / "facegood_116_to_52.npz"
    with np.load(path, allow_pickle=False) as file:
        names = (tuple(map(str, file[name])) for name in ("source_names", "arkit_names"))
        return FaceMap(file["weights"], *names)


def to_arkit(values: np.ndarray) -> np.ndarray:
    """Weights of the source's rig [T, 116] → ARKit weights [T, 52] in [0, 1]."""
    mapping = face_map()
    arkit = np.clip(values.astype(np.float32) @ mapping.weights, 0, 1)
    close, jaw = (mapping.arkit_names.index(name) for name in ("mouthClose", "jawOpen"))
    arkit[:, close] = np.minimum(arkit[:, close], arkit[:, jaw])
    return arkit


def convert_release(release: Path, out: Path, exclude: tuple[str, ...]) -> Iterator[str]:
    """Write `<id>.wav` and `<id>.npz` into `out` for each clip; yields what was done with each.

    `release` is the repository's folder. FileNotFoundError or InputError names what is missing.
    """
    found = sorted((release / "code" / "train" / "bs_value").glob(f"{_PREFIX}*.npy"))
    if not found:
        raise FileNotFoundError(
            f"{release}: holds no code/train/bs_value/{_PREFIX}*.npy; give the folder of "
            "github.com/FACEGOOD/FACEGOOD-Audio2Face"
        )
    out.mkdir(parents=True, exist_ok=True)
    for path in found:
        name = path.stem.removeprefix(_PREFIX)
        if name in exclude:
            yield f"{name}: left out"
        else:
            yield f"{name}: {convert_clip(path, out / f'{name}.npz')}"


def convert_clip(path: Path, out: Path) -> str:
    """One clip from its `bs_value` file; the .npz and the .wav beside it. Returns a summary."""
    wav = path.parents[1] / "wav" / f"{out.stem}.wav"
    values, audio = read_values(path), load_audio(wav)
    lag = motion_lag(values[:, face_map().source_names.index(_JAW)], audio)
    style = rigging_style(values)
    with write_beside(out.with_suffix(".wav")) as partial:
        shutil.copyfile(wav, partial)
    motion = {
        "fps": np.array(FPS, np.int32),
        "sync_lag_ms": np.array(lag * 1000, np.float32),
        "arkit": to_arkit(values),
        "arkit_names": np.array(face_map().arkit_names),
        "style": np.array(style),
        "origin": np.array("solved"),
    }
    write_arrays(out, motion)
    return f"{len(audio) / SAMPLE_RATE:.1f} s, motion {lag * 1000:+.0f} ms after sound, {style}"


def read_values(path: Path) -> np.ndarray:
    """Weights [T, 116]. InputError for a file that holds anything else."""
    columns, values = len(face_map().source_names), open_array(path)
    if values.ndim != 2 or values.shape[1] != columns or not np.isfinite(values).all():
        raise InputError(
            f"{path}: has shape {values.shape}, expected [T, {columns}] finite numbers"
        )
    return values


def rigging_style(values: np.ndarray) -> str:
    """The speaking style of weights [T, 116].

    Some clips round and press the lips by units that others never use, and the map makes the two
    ways alike only roughly.
    """
    pucker = values[:, face_map().source_names.index("mouth_pucker_l")]
    return "facegood-pucker" if pucker.max() > _USED else "facegood-oh"


def motion_lag(jaw: np.ndarray, audio: np.ndarray) -> float:
    """Seconds by which the jaw [T] at 30 fps comes after the sound [S] at 16 kHz.

    The peak of their cross-correlation within ±0.3 s, by a parabola through its highest three
    values; of the sound the root of the amplitude between 200 and 4000 Hz is taken.
    """
    loudness = speech_envelope(audio)
    times = np.arange(len(loudness)) / _LAG_RATE
    opening = np.interp(times, np.arange(len(jaw)) / FPS, jaw)
    loudness, opening = loudness - loudness.mean(), opening - opening.mean()
    largest = min(round(_LARGEST_LAG * _LAG_RATE), len(times) - 1)
    spectrum = np.fft.rfft(opening, 2 * len(times)) * np.fft.rfft(loudness, 2 * len(times)).conj()
    around = np.fft.irfft(spectrum)[np.arange(-largest, largest + 1)]
    return best_lag(around) / _LAG_RATE


def speech_envelope(audio: np.ndarray) -> np.ndarray:
    """Root of the amplitude [n] of sound [S] in the band of speech, 200 times a second."""
    band = butter(4, _SPEECH_BAND, "band", fs=SAMPLE_RATE, output="sos")
    energy = np.cumsum(np.square(sosfiltfilt(band, audio.astype(np.float64))))
    width = round(_SMOOTHING * SAMPLE_RATE)
    centres = np.arange(0, len(audio), SAMPLE_RATE // _LAG_RATE)
    low, high = (np.clip(centres + side, 0, len(audio) - 1) for side in (-width // 2, width // 2))
    return np.maximum((energy[high] - energy[low]) / width, 0) ** 0.25
