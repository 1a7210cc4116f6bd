"""Sound in a film's container, and a recording as a file of its own."""

import io
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from audio2mesh.sound.waveform import load_audio
from avatar.film.audio_track import Sound, sound_reader

SOUND_RATE = 48_000
VOICE_BITS = 96_000  # a second
COARSE_RATE = 4_000  # samples a second that tell how loud it is


def add_sound(
    container: OutputContainer,
    sound: Sound,
    codec: str,
    options: Mapping[str, str],
    bits: int,
) -> Callable[[Fraction, bool], None]:
    """A function that carries the sound on to a time in seconds and, if told, ends it there."""
    read = sound_reader(sound.path, SOUND_RATE, sound.begin)
    layout = "mono" if read(0).shape[1] == 1 else "stereo"
    stream = container.add_stream(codec, rate=SOUND_RATE, layout=layout, options=dict(options))
    assert isinstance(stream, AudioStream)
    stream.bit_rate = bits
    played = 0

    def play_until(until: Fraction, end: bool) -> None:
        nonlocal played
        count = round(until * SOUND_RATE) - played
        if count > 0:
            planes = np.ascontiguousarray(read(count).T)  # [C, s]
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = SOUND_RATE, played
            frame.time_base = Fraction(1, SOUND_RATE)
            container.mux(stream.encode(frame))
            played += count
        if end:
            container.mux(stream.encode(None))

    return play_until


def sound_file(path: Path, seconds: float) -> bytes:
    """The first seconds of a recording as AAC in MP4, which every browser plays; silence after its
    end. Raises as `load_audio` does."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        play_until = add_sound(container, Sound(path), "aac", {"aac_coder": "fast"}, VOICE_BITS)
        for second in range(1, int(seconds) + 1):
            play_until(Fraction(second), False)
        play_until(Fraction(seconds).limit_denominator(SOUND_RATE), True)
    return file.getvalue()


def loudness(path: Path, bars: int) -> NDArray[np.float64]:
    """How loud a recording is in so many parts of equal length, [bars] in 0..1."""
    samples = load_audio(path, COARSE_RATE)
    parts = np.array_split(samples.astype(np.float64), bars)
    levels = np.array([np.sqrt(np.mean(part**2)) if len(part) else 0.0 for part in parts])
    return levels / max(float(levels.max()), 1e-9)
