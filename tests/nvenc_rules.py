"""A device's encoder, NVENC, as FFmpeg 8 lets PyAV use it, on the pretended device.

It refuses what these refuse, and otherwise is libx264. Sources: libavutil/hwcontext_cuda.c (the
context), libavcodec/nvenc.c (sizes; a frame is registered by the address and pitch of its luma, so
the chroma must follow it).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import torch
from av.error import ArgumentError, ExternalError, PatchWelcomeError
from av.video.frame import VideoFrame
from other_device import Elsewhere, note_wait
from torch import Tensor

from avatar.video import nvenc, writer
from avatar.video.codecs import MP4

ENOTSUP, EINVAL = 95, 22
WIDTHS, HEIGHTS = (145, 4096), (49, 4096)
PITCH = 4


@dataclass
class Nvenc:
    """What was asked of it. fails_at: the frame of a film, from 0, at which it gives up."""

    fails_at: int | None = None
    contexts: int = 0
    films: list[int] = field(default_factory=list)  # frames that each film was given
    current: set[int] = field(default_factory=set)  # threads on which torch's context is current

    def synchronize(self, device: object = None) -> None:
        note_wait("synchronize")
        self.current.add(threading.get_ident())

    def context(self, device_id: int, primary_ctx: bool = True, current_ctx: bool = False) -> int:
        if primary_ctx:  # torch has made it active, with other flags than FFmpeg's
            raise PatchWelcomeError(
                ENOTSUP, "Primary context already active with incompatible flags"
            )
        if not current_ctx or threading.get_ident() not in self.current:
            raise ArgumentError(EINVAL, "cuCtxGetCurrent found none")
        self.contexts += 1
        return threading.get_ident()

    def from_dlpack(
        self, planes: tuple[Tensor, Tensor], *, format: str, cuda_context: int
    ) -> VideoFrame:
        assert cuda_context == threading.get_ident(), "the context of another thread"
        luma, chroma = (plane.inner for plane in planes if isinstance(plane, Elsewhere))
        assert format == "nv12" and luma.dtype == chroma.dtype == torch.uint8
        height, width = luma.shape
        assert chroma.shape == (height // 2, width)
        pitch = luma.stride(0)
        assert luma.stride(1) == chroma.stride(1) == 1 and chroma.stride(0) == pitch
        assert chroma.data_ptr() == luma.data_ptr() + pitch * height
        if pitch % PITCH:
            raise ExternalError(EINVAL, "RegisterResource failed: invalid param")
        return VideoFrame.from_ndarray(torch.cat([luma, chroma]).numpy(), format="nv12")

    def trial(self, name: str, mode: str) -> "_Encoder":
        assert (name, mode) == ("h264_nvenc", "w")
        return _Encoder(self, lambda frame: [])

    def film(self, container: Any, codecs: Any, size: Any, rate: Fraction) -> Any:
        """In place of the writer's `_add_picture`."""
        if codecs is not nvenc.NVENC:
            return _add_picture(container, codecs, size, rate)
        stream = _add_picture(container, MP4, size, rate)
        self.films.append(0)
        return _Encoder(self, stream.encode, *size, of_film=True)


_add_picture = writer._add_picture


@dataclass
class _Encoder:
    rules: Nvenc
    work: Callable[[VideoFrame | None], Any]
    width: int = 0
    height: int = 0
    pix_fmt: str = ""
    time_base: Fraction = Fraction(1)
    options: dict[str, str] = field(default_factory=dict)
    of_film: bool = False

    def encode(self, frame: VideoFrame | None) -> Any:
        for pixels, (least, most) in ((self.width, WIDTHS), (self.height, HEIGHTS)):
            if not least <= pixels <= most:
                raise ExternalError(EINVAL, "InitializeEncoder failed: invalid param")
        if frame is not None:
            assert (frame.width, frame.height) == (self.width, self.height)
            if self.of_film:
                if self.rules.films[-1] == self.rules.fails_at:
                    raise ExternalError(EINVAL, "EncodePicture failed: generic error")
                self.rules.films[-1] += 1
        return self.work(frame)


@contextmanager
def nvenc_rules(fails_at: int | None = None) -> Iterator[Nvenc]:
    """Let films be encoded by it, while the block runs."""
    rules = Nvenc(fails_at)
    with (
        patch.object(torch.cuda, "synchronize", rules.synchronize),
        patch.object(nvenc, "CudaContext", rules.context),
        patch.object(nvenc, "VideoFrame", type("Frames", (), {"from_dlpack": rules.from_dlpack})),
        patch.object(nvenc, "CodecContext", type("Codecs", (), {"create": rules.trial})),
        patch.object(nvenc, "VideoCodecContext", _Encoder),
        patch.object(writer, "_add_picture", rules.film),
    ):
        nvenc.why_not_nvenc.cache_clear()
        yield rules
        nvenc.why_not_nvenc.cache_clear()
