"""Films under a light, and what may be said of it."""

import re
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.drive.plans import plan_drive
from common.errors import InputError


def pictures(options: DriveOptions) -> np.ndarray:
    """The frames [F, H, W, 3] of a drive in [0, 1]."""
    with av.open(drive(options).output) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)]) / 255


def test_a_film_is_lit_from_where_the_lamp_stands(
    avatar_file: Path, voice_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    base = DriveOptions(avatar_file, voice_file, tmp_path / "a.mp4", width=64, height=64)
    base = replace(base, background="black", still=True)
    plain = pictures(base)
    lit = replace(base, light="key 90 0 1")
    left = pictures(replace(lit, out=tmp_path / "b.mp4"))
    assert "#" in re.sub(r".*the skin itself is taken to be", "", capsys.readouterr().err)
    right = pictures(replace(lit, out=tmp_path / "c.mp4", light_turn=180.0))
    half = plain.shape[2] // 2  # the subject's left is on the right of the picture
    assert left[:, :, half:].mean() > 1.2 * left[:, :, :half].mean()
    assert right[:, :, :half].mean() > 1.2 * right[:, :, half:].mean()
    turning = pictures(replace(lit, out=tmp_path / "d.mp4", light_spin=180.0))
    assert np.abs(turning[0] - left[0]).mean() < 0.01 < np.abs(turning[-1] - left[-1]).mean()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"light": "moonshine"}, "neither a file, a preset nor a lamp"),
        ({"light_turn": 30.0}, "--light-turn: has nothing to do without --light"),
        ({"light_spin": 30.0}, "--light-spin: has nothing to do without --light"),
        ({"light_skin": "#aa8877"}, "--light-skin: has nothing to do without --light"),
        ({"light_background": True}, "--light-background: has nothing to do without --light"),
        ({"light": "studio", "light_spin": float("nan")}, "must be a number of degrees"),
        ({"light": "studio", "light_skin": "tan"}, "is not a colour"),
    ],
)
def test_what_cannot_be_lit_is_said_before_anything_is_drawn(
    avatar_file: Path,
    voice_file: Path,
    tmp_path: Path,
    changes: dict[str, str | float | bool],
    said: str,
):
    options = DriveOptions(avatar_file, voice_file, tmp_path / "a.mp4")
    with pytest.raises(InputError, match=said):
        plan_drive(replace(options, **changes))  # type: ignore[arg-type]


def test_the_light_stands_behind_the_head(avatar_file: Path, voice_file: Path, tmp_path: Path):
    base = DriveOptions(avatar_file, voice_file, tmp_path / "a.mp4", width=64, height=64)
    base = replace(base, still=True, light="rim 170 10 1 #ff0000, ambient 0 0 0.1")
    plain = pictures(base)
    before = pictures(replace(base, out=tmp_path / "b.mp4", light_background=True))
    corner, middle = np.s_[:, :8, :8], np.s_[:, 30:40, 28:36]
    assert before[corner][..., 0].mean() > before[corner][..., 1].mean() + 0.2
    assert np.abs(before[middle] - plain[middle]).mean() < 0.03
    turned = replace(base, out=tmp_path / "c.mp4", light_background=True, light_turn=180.0)
    assert pictures(turned)[corner][..., 0].mean() < before[corner][..., 0].mean() - 0.2
