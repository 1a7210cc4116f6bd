"""Sounds for tests, written with PyAV in any codec."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def write_sound(
    path: Path, sound: NDArray[np.floating], rate: int, codec: str, video: bool = False
) -> Path:
    """Encode [S, C] in [-1, 1]."""
    layout = LAYOUTS[sound.shape[1]]
    with av.open(str(path), "w") as container:
        if video:
            picture = container.add_stream("libx264", rate=25)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        if video:
            for _ in range(round(len(sound) / rate * 25)):
                container.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
            container.mux(picture.encode(None))
        for start in range(0, len(sound), 4000):
            packed = np.ascontiguousarray(sound[start : start + 4000], np.float64).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, "dbl", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def clicks(seconds: float, rate: int, channels: int) -> NDArray[np.float64]:
    """[S, C]: silence with a click of half a millisecond at every half second but the first."""
    sound = np.zeros((round(seconds * rate), channels))
    for start in np.arange(0.5, seconds, 0.5):
        first = round(start * rate)
        sound[first : first + max(2, rate // 2000)] = 0.9
    return sound


def tone(seconds: float, rate: int, hertz: float = 440.0) -> NDArray[np.float64]:
    """[S, 1]."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)[:, None]


def onsets(sound: NDArray[np.float32], rate: int = 16_000) -> list[float]:
    """Seconds at which something loud begins."""
    loud = np.flatnonzero(np.abs(sound) > 0.4)
    begins = np.diff(loud, prepend=-rate) > rate // 10
    return [float(index) / rate for index in loud[begins]]
