"""The sound of a recording: in blocks, in a film's container, as a file of its own, as loudness."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from audio2mesh.sound.waveform import load_audio, stream_audio
from avatar.video.codecs import MP4, Codecs

Samples = NDArray[np.float32]
Read = Callable[[int], Samples]


@dataclass(frozen=True)
class Sound:
    """A recording, and where in it a film begins."""

    path: Path
    begin: float = 0.0  # seconds; negative: the film begins earlier, in silence
    beside: Path | None = None  # another recording that is heard as well, from the film's beginning


def sound_reader(path: Path, rate: int, begin: float = 0.0) -> Read:
    """A function that returns the next `count` samples [count, C] of `path` at `rate`.

    C is 1 or 2. It begins so many seconds into the recording, or with so much silence where that is
    negative; after the recording's end it returns silence. The file is decoded as it is read;
    raises as `stream_audio` does.
    """
    blocks = stream_audio(path, rate, mono=False)
    held = next(blocks)  # [s, C]
    first = round(begin * rate)
    held = np.concatenate([np.zeros((max(0, -first), held.shape[1]), np.float32), held])

    def read(count: int) -> Samples:
        nonlocal held
        parts, missing = [held], count - len(held)
        while missing > 0:
            block = next(blocks, None)
            if block is None:
                block = np.zeros((missing, held.shape[1]), np.float32)
            parts.append(block)
            missing -= len(block)
        joined = np.concatenate(parts)
        held = joined[count:]
        return joined[:count]

    for skipped in range(0, first, rate):
        read(min(rate, first - skipped))
    return read


def mixed_reader(sound: Sound, rate: int) -> Read:
    """As `sound_reader`, of all that is heard."""
    read = sound_reader(sound.path, rate, sound.begin)
    if sound.beside is None:
        return read
    other = sound_reader(sound.beside, rate)
    return lambda count: np.clip(read(count) + other(count), -1.0, 1.0)


SOUND_RATE = 48_000
VOICE_BITS = 96_000  # a second
COARSE_RATE = 4_000  # samples a second that loudness is measured on


def add_sound(
    container: OutputContainer, sound: Sound, codecs: Codecs
) -> Callable[[Fraction, bool], None]:
    """A function that writes the sound up to a time in seconds and, if asked, ends it there."""
    read = mixed_reader(sound, SOUND_RATE)
    layout = "mono" if read(0).shape[1] == 1 else "stereo"
    options = dict(codecs.sound_options)
    stream = container.add_stream(codecs.sound, rate=SOUND_RATE, layout=layout, options=options)
    assert isinstance(stream, AudioStream)
    stream.bit_rate = codecs.sound_bits
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
        play_until = add_sound(container, Sound(path), replace(MP4, sound_bits=VOICE_BITS))
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
