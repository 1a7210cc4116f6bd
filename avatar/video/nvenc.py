"""H.264 by the encoder that many NVIDIA devices have, from pictures in the device's memory.

A100 and H100 have none. It has not been run on a device: see docs/benchmarks.md.

Pictures on any device are converted to the 8-bit formats of encoders, many at a time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache

import torch
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import CudaContext, VideoFrame
from torch import Tensor

from avatar.video.codecs import NVENC


@cache
def why_not_nvenc(device: torch.device, width: int, height: int) -> str | None:
    """What keeps a device from encoding pictures of a size, or None; tries one, on a thread of its
    own as in a film: builds of FFmpeg name the encoder wherever they run, and it takes only some
    sizes."""
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_try, device, width, height).result()
    except (FFmpegError, RuntimeError, ValueError) as error:
        return f"{NVENC.picture} does not work here ({type(error).__name__})"
    return None


def _try(device: torch.device, width: int, height: int) -> None:
    encoder = CodecContext.create(NVENC.picture, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt, encoder.time_base = NVENC.pixels, Fraction(1, 25)
    encoder.options = NVENC.picture_options
    grey = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8, device=device)
    encoder.encode(shared_frames()(grey))
    encoder.encode(None)


def shared_frames() -> Callable[[Tensor], VideoFrame]:
    """A function from a picture [3 H / 2, W] as `nv12` makes it to a frame in the same memory.

    FFmpeg is given torch's own CUDA context, which it finds on the calling thread: a context that
    it opened itself would have other flags than torch's, which it refuses.
    """
    context: CudaContext | None = None

    def frame(picture: Tensor) -> VideoFrame:
        nonlocal context
        height = 2 * len(picture) // 3
        planes = picture[:height], picture[height:]
        if not picture.is_cuda:
            return VideoFrame.from_dlpack(planes, format="nv12")
        with torch.cuda.device(picture.device):
            if context is None:
                torch.cuda.synchronize()  # makes torch's context the thread's, which may have none
                index = picture.device.index
                context = CudaContext(index, primary_ctx=False, current_ctx=True)
            return VideoFrame.from_dlpack(planes, format="nv12", cuda_context=context)

    return frame


LUMA = (0.2126, 0.7152, 0.0722)
"""Of red, green and blue (ITU-R BT.709)."""
LUMA_RANGE, CHROMA_RANGE = (16.0, 219 / 255), (128.0, 224 / 255)  # least or middle, and gain


def rgb8(pictures: Tensor) -> Tensor:
    """Levels in [0, 1] of any shape → 0..255, clipped and rounded; what is no number becomes 0."""
    levels = torch.nan_to_num(pictures, nan=0.0) * 255 + 0.5
    return levels.clamp(0.0, 255.5).to(torch.uint8)


def nv12(rgb: Tensor) -> Tensor:
    """Pictures [F, H, W, 3] in 0..255 → [F, 3 H / 2, W]: H rows of luma, below them rows of blue
    and red chroma in turns; BT.709 in limited range.

    A sample of chroma stands midway between two columns and two rows, as encoders take it.
    """
    channels = rgb.float().unbind(-1)
    luma = LUMA[0] * channels[0] + LUMA[1] * channels[1] + LUMA[2] * channels[2]
    blue, red = (_halved((channels[k] - luma) / (2 * (1 - LUMA[k]))) for k in (2, 0))  # in ±127.5
    chroma = torch.stack([blue, red], -1).flatten(-2)  # [F, H / 2, W]
    return torch.cat([_quantised(luma, *LUMA_RANGE), _quantised(chroma, *CHROMA_RANGE)], -2)


def _halved(plane: Tensor) -> Tensor:  # [F, H, W] -> [F, H / 2, W / 2]
    """Means of two columns, and of four rows by 1, 3, 3, 1: a tent over the two in the middle."""
    columns = (plane[..., ::2] + plane[..., 1::2]) / 2
    upper, lower = columns[..., ::2, :], columns[..., 1::2, :]
    above = torch.cat([columns[..., :1, :], lower[..., :-1, :]], -2)
    below = torch.cat([upper[..., 1:, :], columns[..., -1:, :]], -2)
    return (3 * (upper + lower) + above + below) / 8


def _quantised(plane: Tensor, middle: float, gain: float) -> Tensor:
    return (plane * gain + (middle + 0.5)).clamp(0, 255).to(torch.uint8)
