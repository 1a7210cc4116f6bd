"""Films → pictures at a constant rate, one at a time.

The picture of a time is the one with the last time stamp before it, whatever the film's own rate.
Pictures are upright, with square pixels and standard dynamic range. PQ and HLG as in ITU-R BT.2100;
diffuse white at 203 cd/m² as in BT.2408. Most of the range below that keeps its brightness, as
faces do; what is brighter is compressed into the rest, at constant hue.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatar.geometry.coloured import to_srgb
from common.errors import InputError, check_file
from common.threads import thread_count

Transfer = Literal["pq", "hlg"]
TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}
"""By the number of the transfer characteristics (ITU-T H.273, table 3)."""

WHITE = 203.0  # cd/m²
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2  # cd/m² of the screen for which HLG is meant, and its gamma
KNEE = 0.7  # of white: where squeezing begins
CODES = 1 << 16
FROM_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
"""Linear red, green, blue of BT.2020 → of sRGB (ITU-R BT.2087)."""
HLG_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)

Floats = NDArray[np.float32]


def standard_range(picture: NDArray[np.uint16], transfer: Transfer) -> NDArray[np.uint8]:
    """Codes [H, W, 3] of BT.2020 red, green and blue, 0..65535, → sRGB [H, W, 3] in 0..255."""
    linear = _linear_of_codes(transfer)[picture]
    if transfer == "hlg":
        luminance = (linear @ HLG_LUMINANCE)[..., None]
        linear *= HLG_PEAK / WHITE * np.maximum(luminance, 1e-6) ** (HLG_GAMMA - 1)
    linear = np.maximum(linear @ FROM_BT2020.T, 0.0)
    brightest = np.maximum(linear.max(-1, keepdims=True), 1e-6)
    over = np.maximum(brightest - KNEE, 0.0) / (1 - KNEE)  # unchanged up to the knee, then slower
    linear *= (np.minimum(brightest, KNEE) + (KNEE - 1) * np.expm1(-over)) / brightest
    return _srgb_of_linear()[np.round(linear * (CODES - 1)).astype(np.uint16)]


@cache
def _linear_of_codes(transfer: Transfer) -> Floats:
    """Light of every code: PQ in whites, HLG in the scene's [0, 1]."""
    code = np.linspace(0.0, 1.0, CODES)
    if transfer == "pq":
        power = code ** (32 / 2523)
        base = np.maximum(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)
        return (10_000.0 / WHITE * base ** (8192 / 1305)).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = (np.exp((code - c) / a) + b) / 12
    return np.where(code <= 0.5, code**2 / 3, bright).astype(np.float32)


@cache
def _srgb_of_linear() -> NDArray[np.uint8]:
    return np.round(to_srgb(np.linspace(0.0, 1.0, CODES)) * 255).astype(np.uint8)


FPS = 25
"""Frames a second of what is read, whatever the film's own rate."""

HIGH_DEFINITION = 720
"""Lines from which a film that does not say so has the colours of ITU-R BT.709, not BT.601."""

LONGEST_STILL = 60.0
"""Seconds that one picture lasts at most, whatever the file says."""

Bytes = NDArray[np.uint8]
Matrix = tuple[int, int, int, int]
"""a, b, c, d: a pixel's column p and row q are displayed at column a p + c q and row b p + d q."""

UPRIGHT: Matrix = (1, 0, 0, 1)


@dataclass(frozen=True)
class FilmInfo:
    """Metadata of a film."""

    width: int
    """Pixels across of its pictures as displayed: upright, with square pixels."""
    height: int
    """Pixels down of the same."""
    seconds: float
    """How long it lasts; 0 where unknown."""
    fps: float
    """Its own pictures a second, the mean where they vary; 0 where unknown."""
    sound_begin: float | None
    """When its sound begins, in seconds after its first picture; None where it has none."""


def film_info(path: Path) -> FilmInfo:
    """Metadata of a film; raises as `colour_frames`."""
    with _open(path) as container:
        stream = _picture_stream(path, container)
        try:
            frame = next(container.decode(stream))
        except (FFmpegError, StopIteration):
            raise _no_pictures(path) from None
        width, height = _size(frame, stream, None)
        if _turns_on_its_side(_matrix(frame)):
            width, height = height, width
        seconds = _length(stream) or (container.duration or 0) / av.time_base
        sound = container.streams.best("audio")
        begin = None if sound is None else _start(sound) - _start(stream)
        return FilmInfo(width, height, seconds, float(stream.average_rate or 0), begin)


def grey_frames(path: Path) -> Iterator[Bytes]:
    """Pictures [H, W] of a film; frame f is the picture at (f + 0.5) / 25 s. Raises as
    `colour_frames`."""

    def grey(frame: VideoFrame, stream: VideoStream, matrix: Matrix) -> Bytes:
        across, down = _size(frame, stream, None)
        picture = frame.reformat(width=across, height=down, format="gray")
        return _turned(np.asarray(picture.to_ndarray(), np.uint8), matrix)

    return _resampled(path, grey, FPS)


def colour_frames(path: Path, longest: int | None = None, fps: float = FPS) -> Iterator[Bytes]:
    """Pictures [H, W, 3], sRGB, of a film; frame f is the picture at (f + 0.5) / fps seconds.

    With `longest` their longer side has at most so many pixels. High dynamic range (PQ, HLG) is
    mapped to standard dynamic range. FileNotFoundError if there is no such file; InputError
    if it is no film, has no pictures or is damaged.
    """

    def colour(frame: VideoFrame, stream: VideoStream, matrix: Matrix) -> Bytes:
        width, height = _size(frame, stream, longest)
        untagged = frame.colorspace not in set(Colorspace)
        space = "ITU709" if untagged and frame.height >= HIGH_DEFINITION else None
        transfer = TRANSFERS.get(frame.color_trc)
        picture = frame.reformat(
            width=width,
            height=height,
            format="rgb48le" if transfer else "rgb24",
            src_colorspace=space,
            interpolation="AREA" if width < frame.width else "BILINEAR",
        ).to_ndarray()
        if transfer:
            picture = standard_range(np.asarray(picture, np.uint16), transfer)
        return _turned(np.asarray(picture, np.uint8), matrix)

    return _resampled(path, colour, fps)


def _resampled(
    path: Path, convert: Callable[[VideoFrame, VideoStream, Matrix], Bytes], fps: float
) -> Iterator[Bytes]:
    """The picture at each time; each frame that is used is converted once.

    The rotation is read from the first frame alone: reading it keeps a frame alive until Python
    collects reference cycles.
    """
    with _open(path) as container:
        stream = _picture_stream(path, container)
        count, last_time, held, picture, matrix = 0, 0.0, None, None, None
        try:
            for frame in container.decode(stream):
                matrix = _matrix(frame) if matrix is None else matrix
                now = float((frame.pts or 0) * (frame.time_base or 0)) - _start(stream)
                if (leap := now - last_time) > LONGEST_STILL:
                    raise InputError(
                        f"{path}: is damaged: two of its pictures are {leap:.0f} s apart; export "
                        "it again"
                    )
                while held is not None and (count + 0.5) / fps < now:
                    picture = convert(held, stream, matrix) if picture is None else picture
                    yield picture
                    count += 1
                held, picture, last_time = frame, None, now
        except FFmpegError as error:
            raise InputError(f"{path}: the film is damaged; export it again") from error
        if held is None or matrix is None:
            raise _no_pictures(path)
        picture = convert(held, stream, matrix) if picture is None else picture
        lasts = float((held.duration or 0) * (held.time_base or 0)) or 1 / fps
        end = min(max(_length(stream), last_time + lasts), last_time + LONGEST_STILL)
        while (count + 0.5) / fps < end or count == 0:
            yield picture
            count += 1


def _open(path: Path) -> InputContainer:
    check_file(path)
    try:
        return av.open(
            str(path.absolute()), metadata_errors="ignore", options={"protocol_whitelist": "file"}
        )
    except FFmpegError:
        raise InputError(f"{path}: is not a film; give .mp4, .webm, .mkv, .mov or .avi") from None


def _picture_stream(path: Path, container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise _no_pictures(path)
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise InputError(
            f"{path}: there is no decoder for the format of its pictures; convert it to .mp4"
        )
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = thread_count()
    return stream


def _no_pictures(path: Path) -> InputError:
    return InputError(f"{path}: has no pictures in it; give a film of a talking face")


def _start(stream: Stream) -> float:
    """When a stream begins, on the clock that all streams of a film share."""
    return float((stream.start_time or 0) * (stream.time_base or 0))


def _length(stream: VideoStream) -> float:
    """Seconds of the film; 0 where unknown."""
    return float((stream.duration or 0) * (stream.time_base or 0))


def _size(frame: VideoFrame, stream: VideoStream, longest: int | None) -> tuple[int, int]:
    """Columns and rows of a frame with square pixels, not yet turned."""
    shape = stream.sample_aspect_ratio or Fraction(1)
    width, height = float(frame.width * shape), float(frame.height)
    scale = 1.0 if longest is None else min(1.0, longest / max(width, height))
    return max(2, round(width * scale)), max(2, round(height * scale))


def _matrix(frame: VideoFrame) -> Matrix:
    """The rotation of the pictures, which phones store as metadata: the signs of a display matrix
    (ISO/IEC 14496-12, tkhd); of angles the nearest right one."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        return 0, int(np.sign(b)), int(np.sign(c)), 0
    return int(np.sign(a)) or 1, 0, 0, int(np.sign(d)) or 1


def _turns_on_its_side(matrix: Matrix) -> bool:
    """Whether width and height are swapped."""
    return matrix[0] == 0


def _turned(picture: Bytes, matrix: Matrix) -> Bytes:
    """A picture [H, W, …] as displayed."""
    a, b, c, d = matrix
    if _turns_on_its_side(matrix):
        picture = picture.swapaxes(0, 1)
    across, down = (c, b) if _turns_on_its_side(matrix) else (a, d)
    return np.ascontiguousarray(picture[:: down or 1, :: across or 1])
