"""Finished pictures as a device makes them, against what the CPU's own path makes."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.video.codecs import MP4
from avatar.video.output import output_kind
from avatar.video.writer import _to_frame, open_writer, takes_nv12
from avatar.video.yuv import nv12, rgb8
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
