"""Films → grey pictures at 25 frames a second, one at a time."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from common.errors import InputError

FPS = 25
"""Frames a second of what is read, whatever the film's own rate."""


def grey_frames(path: Path, width: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Pictures [H, W] of a film; frame f is the picture that is shown at (f + 0.5) / 25 s.

    With `width` they are shrunk to that many columns. FileNotFoundError if there is no such file;
    InputError if it is no film, has no pictures or is damaged.
    """
    with _open(path) as container:
        stream = _picture_stream(path, container)
        count, shown = 0, None
        try:
            for frame in container.decode(stream):
                if shown is not None:
                    while (count + 0.5) / FPS < _seconds(frame, stream):
                        yield shown
                        count += 1
                shown = _grey(frame, width)
        except FFmpegError as error:
            raise InputError(f"{path}: the film is damaged; export it again") from error
    if shown is None:
        raise InputError(f"{path}: has no pictures in it; give a film of a talking face")
    length = _length(stream, count)
    while (count + 0.5) / FPS < length or count == 0:
        yield shown
        count += 1


def _open(path: Path) -> InputContainer:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; check the name of the film")
    try:
        return av.open(str(path.absolute()), options={"protocol_whitelist": "file"})
    except FFmpegError:
        raise InputError(f"{path}: is not a film; give .mp4, .webm, .mkv, .mov or .avi") from None


def _picture_stream(path: Path, container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise InputError(f"{path}: has no pictures in it; give a film of a talking face")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise InputError(
            f"{path}: there is no decoder for the format of its pictures; convert it to .mp4"
        )
    return stream


def _seconds(frame: VideoFrame, stream: VideoStream) -> float:
    """When a frame is shown, from the start of the film."""
    start = (stream.start_time or 0) * (stream.time_base or 0)
    return float((frame.pts or 0) * (frame.time_base or 0) - start)


def _length(stream: VideoStream, count: int) -> float:
    """Seconds of the film; a frame more than was shown where the file does not tell."""
    if stream.duration is None:
        return (count + 1) / FPS
    return float(stream.duration * (stream.time_base or 0))


def _grey(frame: VideoFrame, width: int | None) -> NDArray[np.uint8]:
    height = None if width is None else max(2, round(frame.height * width / frame.width))
    picture = frame.reformat(width=width, height=height, format="gray")
    return np.asarray(picture.to_ndarray(), np.uint8)
