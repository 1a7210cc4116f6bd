"""Rendered frames → a film with sound or a folder of numbered PNG files.

Frames are taken one at a time and memory stays bounded. A result appears under its name when it is
complete; before that, and after any failure, there is nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    VideoReformatter,
)
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatar.video.codecs import CODECS, Codecs
from avatar.video.output import (
    check_output,
    check_picture,
    exact_rate,
    holds_alpha,
    output_kind,
)
from avatar.video.sound import Sound, add_sound
from common.atomic import folder_beside, write_beside
from common.parallel import in_background
from common.pixels import as_bytes
from common.threads import thread_count
from common.writable import plain_words

Bytes = NDArray[np.uint8]
Image = Bytes | NDArray[np.float32]
Write = Callable[[Image], None]

ENCODERS = 2
"""Threads that encode pictures, at most, where the CPU draws them too: a sixth of that work."""


@contextmanager
def open_writer(
    path: Path,
    width: int,
    height: int,
    fps: float,
    sound: Sound | None = None,
    comment: str = "",
    alpha: bool = False,
    encoders: int = ENCODERS,
) -> Iterator[Write]:
    """Yield a function that takes the next frame [H, W, 3]: float32 sRGB in [0, 1], or uint8, which
    must not be changed then; for .mp4 and .webm also as `nv12` makes it, [3 H / 2, W]. With
    `alpha` it is [H, W, 4], of straight alpha, where `holds_alpha`. encoders: threads, at most.

    The suffix of `path` chooses H.264 with AAC (.mp4), VP9 with Opus (.webm), ProRes 4444 with PCM
    (.mov), or PNG files in a new folder (no suffix). The `sound`, of any file that `stream_audio`
    reads, is cut or filled with silence to the length of the film. comment: what the metadata say
    of it. Frames are encoded on a thread of their own, while the next ones are drawn.

    Raises:
        InputError, FileNotFoundError, OSError: see `check_output`, `check_picture` and
            `stream_audio`; OSError also where the disk is full.
    """
    check_picture(width, height, fps)
    check_output(path, sound and sound.path)
    size, channels = (width, height), 4 if alpha else 3
    assert not alpha or holds_alpha(path), path
    codecs = CODECS.get((path.suffix.lower(), alpha))
    film = codecs and _film(path, size, exact_rate(fps), sound, comment, codecs, encoders)
    with (
        plain_words(path),
        film or _picture_folder(path, comment) as encode,
        in_background(encode) as write,
    ):

        def write_checked(image: Image) -> None:
            if image.ndim == 3:
                image = as_bytes(image)
                assert image.shape == (height, width, channels), image.shape
            else:
                assert image.shape == (height * 3 // 2, width), image.shape
            write(image)

        yield write_checked


def takes_nv12(path: Path) -> bool:
    """Whether a film of this name may be given frames as `nv12` makes them."""
    return output_kind(path) in ("mp4", "webm")


@contextmanager
def _film(
    path: Path,
    size: tuple[int, int],
    rate: Fraction,
    sound: Sound | None,
    comment: str,
    codecs: Codecs,
    encoders: int,
) -> Iterator[Callable[..., None]]:
    with (
        write_beside(path) as partial,
        av.open(str(partial.absolute()), "w", options=codecs.container_options) as container,
    ):
        if comment:
            container.metadata["comment"] = comment
        stream = _add_picture(container, codecs, size, rate, encoders)
        play_until = add_sound(container, sound, codecs) if sound else lambda *_: None
        to_frame = _to_frame(codecs)
        count = 0

        def write(image: Bytes) -> None:
            nonlocal count
            frame = to_frame(image)
            frame.pts, frame.time_base = count, 1 / rate
            container.mux(stream.encode(frame))
            count += 1
            play_until(count / rate, False)

        yield write
        container.mux(stream.encode(None))
        play_until(count / rate, True)


def _add_picture(
    container: OutputContainer,
    codecs: Codecs,
    size: tuple[int, int],
    rate: Fraction,
    encoders: int,
) -> VideoStream:
    threads = {"threads": str(min(encoders, thread_count()))}
    options = codecs.picture_options | threads
    stream = container.add_stream(codecs.picture, rate=rate, options=options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = codecs.pixels
    stream.metadata.update(codecs.metadata)
    stream.codec_context.time_base = 1 / rate
    stream.codec_context.colorspace = Colorspace.ITU709
    stream.codec_context.color_range = ColorRange.MPEG
    stream.codec_context.color_primaries = ColorPrimaries.BT709
    stream.codec_context.color_trc = ColorTrc.BT709
    return stream


def _to_frame(codecs: Codecs) -> Callable[[Bytes], VideoFrame]:
    """RGB or RGBA in 0..255, or what `nv12` makes of it → BT.709 in limited range, as the stream
    says."""
    reformatter = VideoReformatter()

    def convert(image: Bytes) -> VideoFrame:
        image = np.ascontiguousarray(image)
        if image.ndim == 2:
            same = VideoFrame.from_numpy_buffer(image, format="nv12")
            return reformatter.reformat(same, format=codecs.pixels, threads=1)
        return reformatter.reformat(
            VideoFrame.from_numpy_buffer(image, format="rgb24" if image.shape[2] == 3 else "rgba"),
            format=codecs.pixels,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )

    return convert


@contextmanager
def _picture_folder(path: Path, comment: str) -> Iterator[Callable[..., None]]:
    """Yield a function that writes [H, W, 3 or 4] to the next of frame_000001.png and so on.

    The files lie in a folder beside `path` until the block succeeds; on any error, Ctrl-C included,
    it is removed. `path` may be an empty folder. comment: metadata of each picture.
    """
    import imageio.v3 as imageio  # noqa: PLC0415  films need neither
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    count, info = 0, PngInfo()
    if comment:
        info.add_text("Comment", comment)

    def write(image: NDArray[np.uint8]) -> None:
        nonlocal count
        count += 1
        target = partial / f"frame_{count:06d}.png"
        imageio.imwrite(target, image, compress_level=1, pnginfo=info)

    with folder_beside(path) as partial:
        yield write
