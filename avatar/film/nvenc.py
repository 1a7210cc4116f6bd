"""H.264 by the encoder that many NVIDIA devices have, from pictures in the device's memory.

A100 and H100 have none. It has not been run on a device: see docs/benchmarks.md.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import torch
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import CudaContext, VideoFrame
from torch import Tensor

from avatar.film.video import NVENC

TRIAL = 256  # pixels, both ways


@cache
def why_not_nvenc(device: torch.device) -> str | None:
    """What keeps a device from encoding, or None; tries one picture, as builds of FFmpeg name the
    encoder wherever they run."""
    try:
        encoder = CodecContext.create(NVENC.picture, "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width = encoder.height = TRIAL
        encoder.pix_fmt, encoder.time_base = NVENC.pixels, Fraction(1, 25)
        encoder.options = NVENC.picture_options
        grey = torch.full((TRIAL * 3 // 2, TRIAL), 128, dtype=torch.uint8, device=device)
        if grey.is_cuda:
            torch.cuda.synchronize(device)
        encoder.encode(shared_frames()(grey))
        encoder.encode(None)
    except (FFmpegError, RuntimeError, ValueError) as error:
        return f"{NVENC.picture} does not work here ({type(error).__name__})"
    return None


def shared_frames() -> Callable[[Tensor], VideoFrame]:
    """A function from a picture [3 H / 2, W] as `nv12` makes it to a frame in the same memory."""
    context: CudaContext | None = None

    def frame(picture: Tensor) -> VideoFrame:
        nonlocal context
        if picture.is_cuda and context is None:
            context = CudaContext(device_id=picture.device.index)
        height = 2 * len(picture) // 3
        planes = picture[:height], picture[height:]
        return VideoFrame.from_dlpack(planes, format="nv12", cuda_context=context)

    return frame
