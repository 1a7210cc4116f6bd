"""Finished pictures as a device makes them, against what the CPU's own path makes."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import av
import numpy as np
import pytest
import torch
from av.video.frame import CudaContext, VideoFrame
from torch import Tensor

from avatar.video import nvenc
from avatar.video.codecs import MP4
from avatar.video.nvenc import nv12, rgb8, shared_frames, why_not_nvenc
from avatar.video.output import output_kind
from avatar.video.writer import _to_frame, open_writer, takes_nv12
from common.background import in_background
from common.pixels import as_bytes


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(height: int, width: int) -> Tensor:
    coarse = noise(1, 3, 5, 7)
    large = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return large.clamp(0, 1).permute(0, 2, 3, 1)


def test_bytes_are_those_of_the_cpu_bit_for_bit():
    levels = noise(2, 8, 6, 3) * 1.4 - 0.2
    levels[0, 0] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    levels[1, 0, :, 0] = (torch.arange(6) + 0.5) / 255  # exactly between two
    assert np.array_equal(rgb8(levels).numpy(), as_bytes(levels.numpy()))


@pytest.mark.parametrize("name", ["noise", "smooth"])
def test_planes_are_within_one_of_the_cpus(name: str):
    made = {"noise": noise(2, 34, 46, 3), "smooth": smooth(96, 128)}
    rgb = rgb8(made[name])
    convert = _to_frame(MP4)
    for picture, found in zip(rgb, nv12(rgb), strict=True):
        wanted = convert(picture.numpy()).reformat(format="nv12").to_ndarray()
        assert np.abs(wanted.astype(int) - found.numpy()).max() <= 1


def test_grey_has_no_colour_and_the_ends_of_the_range_are_kept():
    levels = torch.tensor([0.0, 1.0, 0.5])[:, None, None, None].expand(3, 4, 4, 3)
    black, white, grey = nv12(rgb8(levels))
    assert black[:4].unique().tolist() == [16] and white[:4].unique().tolist() == [235]
    assert torch.cat([black[4:], white[4:], grey[4:]]).unique().tolist() == [128]


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_film_of_planes_is_the_film_of_the_same_pictures(tmp_path: Path, suffix: str):
    rgb, convert = rgb8(noise(5, 64, 96, 3)).numpy(), _to_frame(MP4)
    same = [
        np.asarray(convert(picture).reformat(format="nv12").to_ndarray(), np.uint8)
        for picture in rgb
    ]
    for name, frames in (("rgb", rgb), ("planes", same)):
        with open_writer(tmp_path / f"{name}{suffix}", 96, 64, 25) as write:
            for frame in frames:
                write(frame)
    first, second = (decoded(tmp_path / f"{name}{suffix}") for name in ("rgb", "planes"))
    assert np.array_equal(first, second)


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 5
    return np.stack(frames).astype(np.float32)


def test_only_films_take_planes():
    names = [Path(f"a{suffix}") for suffix in (".mp4", ".webm", "")]
    assert [output_kind(path) for path in names if takes_nv12(path)] == ["mp4", "webm"]


def test_a_frame_shares_the_memory_of_its_picture():
    picture = nv12(rgb8(noise(1, 16, 32, 3)))[0]
    frame = shared_frames()(picture)
    assert (frame.width, frame.height, frame.format.name) == (32, 16, "nv12")
    assert np.array_equal(frame.to_ndarray(), picture.numpy())
    picture[0, 0] ^= 255
    assert frame.to_ndarray()[0, 0] == picture[0, 0]


@pytest.mark.parametrize("index", [0, 1])
def test_ffmpeg_gets_the_context_of_torch_on_the_thread_that_encodes(
    monkeypatch: pytest.MonkeyPatch, index: int
):
    """Stand-ins note what is asked of CUDA, and where."""
    asked: list[tuple[str, int]] = []
    contexts: list[CudaContext] = []

    def noted(name: str) -> None:
        asked.append((name, threading.get_ident()))

    @contextmanager
    def chosen(device: torch.device) -> Iterator[None]:
        noted(f"begin {device.index}")
        yield
        noted("end")

    def context(*args: Any, **named: Any) -> CudaContext:
        noted("context")
        contexts.append(CudaContext(*args, **named))
        return contexts[-1]

    def shared(planes: Any, **named: Any) -> None:
        noted("frame")
        assert named == {"format": "nv12", "cuda_context": contexts[0]}

    picture = MagicMock(is_cuda=True, device=torch.device("cuda", index))
    picture.__len__.return_value = 24
    monkeypatch.setattr(torch.cuda, "device", chosen)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: noted("current"))
    monkeypatch.setattr(nvenc, "CudaContext", context)
    monkeypatch.setattr(nvenc, "VideoFrame", SimpleNamespace(from_dlpack=shared))
    frames: list[VideoFrame] = []
    to_frame = shared_frames()

    def work(given: Tensor) -> None:
        frames.append(to_frame(given))

    with in_background(work) as encode:
        for _ in range(2):
            encode(picture)
    names, threads = zip(*asked, strict=True)
    first, again = f"begin {index} current context frame end", f"begin {index} frame end"
    assert " ".join(names) == f"{first} {again}"
    assert len(set(threads)) == 1 and threads[0] != threading.get_ident()
    (made,) = contexts
    assert (made.device_id, made.primary_ctx, made.current_ctx) == (index, False, True)


@pytest.mark.gpu
def test_the_device_encodes_what_it_is_given(cuda: torch.device, tmp_path: Path):
    if re.search(r"A100|A30\b|A800|H\d00|B\d00", torch.cuda.get_device_name(cuda)):
        pytest.skip("this device has no encoder")
    assert why_not_nvenc(cuda, 320, 256) is None
    rgb = rgb8(smooth(256, 320)).expand(5, -1, -1, -1)
    finished = nv12(rgb.to(cuda))
    torch.cuda.synchronize()
    with open_writer(tmp_path / "a.mp4", 320, 256, 25, nvenc=True) as write:
        for frame in finished:
            write(frame)
    assert np.abs(decoded(tmp_path / "a.mp4") - rgb.numpy()).mean() < 4
    on_cpu = nv12(rgb)
    assert (finished.cpu().int() - on_cpu.int()).abs().max() <= 1


@pytest.mark.gpu
@pytest.mark.parametrize(("width", "height"), [(96, 64), (514, 256), (5120, 256)])
def test_sizes_that_the_device_does_not_encode_are_found_before_the_film(
    cuda: torch.device, tmp_path: Path, width: int, height: int
):
    if why_not_nvenc(cuda, width, height):
        return
    finished = nv12(rgb8(smooth(height, width)).to(cuda))
    with open_writer(tmp_path / "a.mp4", width, height, 25, nvenc=True) as write:
        write(finished[0])


def test_the_cpu_has_no_such_encoder():
    reason = str(why_not_nvenc(torch.device("cpu"), 320, 256))
    assert reason.startswith("h264_nvenc does not work here (")
