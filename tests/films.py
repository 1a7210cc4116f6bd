"""Films and sounds for tests: written, decoded again, measured."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from audio2mesh.sound.waveform import load_audio
from avatar.video.sound import Sound
from avatar.video.writer import open_writer

FILMS = ["film.mp4", "film.webm"]
ALL_KINDS = [*FILMS, "film"]


def write_sound(path: Path, sound: NDArray[np.float64], rate: int) -> Path:
    """A lossless file of [S, C] in [-1, 1]."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[sound.shape[1]]
    packed = np.round(sound * 32767).astype(np.int16).reshape(1, -1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(packed, "s16", layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_film(
    path: Path, frames: int, size: tuple[int, int] = (64, 48), fps: float = 25.0,
    audio: Path | None = None,
) -> Path:  # fmt: skip
    """A film in which a light square moves over a dark ground."""
    with open_writer(path, *size, fps, audio and Sound(audio)) as write:
        for frame in range(frames):
            image = np.full((size[1], size[0], 3), 0.2, np.float32)
            image[8:24, frame % 32 : frame % 32 + 16] = (0.9, 0.7, 0.5)
            write(image)
    return path


def copied(
    source: Path, path: Path, picture: float = 0.0, sound: float = 0.0, sound_from: float = 0.0
) -> Path:
    """The same packets in a new container, pictures and sound so many seconds later, without the
    sound before `sound_from` seconds."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        delays = (
            (given.streams.video[0], picture, 0.0),
            (given.streams.audio[0], sound, sound_from),
        )
        places = {each.index: (made.add_stream_from_template(each), *at) for each, *at in delays}
        for packet in given.demux():
            packet_stream, later, first = places[packet.stream.index]
            if packet.dts is None or packet.pts is None or packet.pts * packet.time_base < first:
                continue
            packet.stream, ticks = packet_stream, round(later / packet.time_base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            made.mux(packet)
    return path


def decoded(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


def seconds(ticks: int | None, time_base: Fraction | None) -> float:
    """Time in libav's ticks → seconds."""
    assert ticks is not None
    assert time_base is not None
    return float(ticks * time_base)


def sound_of(path: Path) -> NDArray[np.float32]:
    """The mono sound track at 48 kHz."""
    return load_audio(path, 48_000)


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def write_frames(path: Path, frames: list[VideoFrame], times: list[int], **tags: object) -> Path:
    """A film of frames at times in hundredths of a second, by x264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=100, options={"crf": "10", "bf": "0"})
        stream.width, stream.height = frames[0].width, frames[0].height
        stream.pix_fmt = frames[0].format.name
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        stream.codec_context.time_base = Fraction(1, 100)
        for frame, time in zip(frames, times, strict=True):
            frame.pts, frame.time_base = time, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def show_by(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """The same .mp4 with another display matrix."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") + 4
    matrix = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    data[header + 40 : header + 76] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path
