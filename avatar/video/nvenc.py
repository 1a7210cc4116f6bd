"""H.264 by the encoder that many NVIDIA devices have, from pictures in the device's memory.

A100 and H100 have none. It has not been run on a device: see docs/benchmarks.md.
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
