"""Path and format of a film, checked before the work starts; and looping GIFs with a palette for
each picture.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import OutputContainer
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NoMore
from av.error import FFmpegError
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from common.atomic import write_beside
from common.errors import InputError
from common.writable import check_writable

Kind = Literal["mp4", "webm", "mov", "gif", "frames"]

GIF_FASTEST = 50.0
"""Frames per second: players slow a GIF down whose frames last under two hundredths."""


def output_kind(path: Path) -> Kind:
    """What the suffix asks for; none asks for a folder of PNG frames."""
    match path.suffix.lower():
        case ".mp4":
            return "mp4"
        case ".webm":
            return "webm"
        case ".mov":
            return "mov"
        case ".gif":
            return "gif"
        case "":
            return "frames"
        case suffix:
            raise InputError(
                f"{path}: cannot write {suffix}; use .mp4, .webm, .mov or .gif, or for PNG frames "
                "the name of a new folder, without a suffix"
            )


def holds_alpha(path: Path) -> bool:
    """Whether a film of this name may be transparent; alpha is straight in all of these."""
    return output_kind(path) in ("webm", "mov", "frames")


def check_output(path: Path, audio: Path | None = None) -> None:
    """Say before the work starts what would stop it at its end.

    Raises:
        FileNotFoundError: the folder that `path` shall lie in does not exist.
        InputError: the suffix is unknown, `path` is taken, or `path` is the recording itself.
        OSError: the folder may not be written to.
    """
    frames = output_kind(path) == "frames"
    if frames and not path.name:
        raise InputError(f"{path}: name a new folder for the PNG frames")
    if frames and path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: exists already; name a new folder for the PNG frames")
    if audio is not None and path.exists() and path.samefile(audio):
        raise InputError(f"{path}: is the recording itself; give the output another name")
    check_writable(path, folder=frames)


def film_comment(path: Path) -> str:
    """What the metadata of a film say of it; nothing where it is no film."""
    try:
        with av.open(str(path.absolute()), metadata_errors="ignore") as container:
            tags = {name.lower(): words for name, words in container.metadata.items()}
    except (FFmpegError, OSError, ValueError):
        return ""
    return tags.get("comment", "")


def check_picture(width: int, height: int, fps: float) -> None:
    """Raise InputError where a size [pixels] is not even and positive, or fps not positive."""
    for name, pixels in (("width", width), ("height", height)):
        if pixels < 2:
            raise InputError(f"{name} {pixels}: must be at least 2 pixels")
        if pixels % 2:
            raise InputError(
                f"{name} {pixels}: must be even for video; use {pixels - 1} or {pixels + 1}"
            )
    if not 0 < fps < float("inf"):
        raise InputError(f"fps {fps:g}: must be a positive number of frames per second")


def exact_rate(fps: float) -> Fraction:
    """Frames per second as a ratio: 25 → 25/1, 29.97 → 30000/1001, 12.5 → 25/2."""
    broadcast = Fraction(round(fps * 1.001) * 1000, 1001)
    if broadcast and abs(float(broadcast) - fps) < 2e-4 * fps and fps != round(fps):
        return broadcast
    return Fraction(fps).limit_denominator(1000)


Bytes = NDArray[np.uint8]

HEADER = 13  # bytes: signature, size of the screen, flags
HAS_COLOURS, COLOURS = 0x80, 0x07  # of the flags, the eleventh byte: a table of 2^(n + 1) colours
EXTENSION, END = b"\x21\xfe", b"\x00"
LONGEST = 255  # bytes of a block


@contextmanager
def animation(
    path: Path, size: tuple[int, int], rate: Fraction, comment: str
) -> Iterator[Callable[[Bytes], None]]:
    """Yield a function that takes the next picture [H, W, 3]; the file appears when it is complete.

    size: pixels across and down; comment: what the file says of itself.
    """
    if rate > GIF_FASTEST:
        raise InputError(
            f"{path}: a GIF shows at most {GIF_FASTEST:g} frames per second; lower the fps or "
            "write .mp4"
        )
    with write_beside(path) as partial:
        with av.open(str(partial.absolute()), "w") as container:
            yield from _animated(container, size, rate)
        if comment:
            _add_comment(partial, comment)


def _animated(
    container: OutputContainer, size: tuple[int, int], rate: Fraction
) -> Iterator[Callable[[Bytes], None]]:
    stream = container.add_stream("gif", rate=rate)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = "pal8"
    graph = _palette_graph(size, rate)
    count = 0

    def write(image: Bytes) -> None:
        nonlocal count
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = count, 1 / rate
        graph.push(frame)
        count += 1
        _mux_ready(graph, container, stream)

    yield write
    graph.push(None)
    _mux_ready(graph, container, stream)
    container.mux(stream.encode(None))


def _palette_graph(size: tuple[int, int], rate: Fraction) -> Graph:
    """RGB frames → frames of 256 colours, each with a palette of its own."""
    graph = Graph()
    source = graph.add_buffer(
        width=size[0], height=size[1], format=VideoFormat("rgb24"), time_base=1 / rate
    )
    split = graph.add("split")
    palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    paint = graph.add("paletteuse", "new=1:dither=none")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(paint, 1, 0)
    palette.link_to(paint, 0, 1)
    paint.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _mux_ready(graph: Graph, container: OutputContainer, stream: VideoStream) -> None:
    while True:
        try:
            frame = graph.pull()
        except (NothingYet, NoMore):
            return
        assert isinstance(frame, VideoFrame)
        container.mux(stream.encode(frame))


def _add_comment(path: Path, comment: str) -> None:
    """Write a GIF again with a comment extension before its first picture (GIF89a, section 24), of
    which what is not ASCII becomes a question mark."""
    text = comment.encode("ascii", "replace")
    parts = [text[k : k + LONGEST] for k in range(0, len(text), LONGEST)]
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    with write_beside(path) as commented, path.open("rb") as old, commented.open("wb") as new:
        header = old.read(HEADER)
        assert header.startswith(b"GIF89a"), header
        flags = header[10]
        colours = old.read(3 * 2 ** ((flags & COLOURS) + 1) if flags & HAS_COLOURS else 0)
        new.write(header + colours + EXTENSION + blocks + END)
        shutil.copyfileobj(old, new)
