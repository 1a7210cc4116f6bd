"""scripts/convert.py as a user runs it: there and back, and every piece that is missing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flame_files import write_flame
from gaussian_avatar_files import write_trained
from support import ROOT, Outcome

from common.arrays import read_arrays

Run = Callable[..., Outcome]


@pytest.fixture
def convert(run_script: Run) -> Run:
    def run(**options: object) -> Outcome:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        return run_script("convert", *flags)

    return run


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame(tmp_path_factory.mktemp("flame"))


def test_an_avatar_of_gaussian_avatars_comes_back_whole(tmp_path: Path, flame: Path, convert: Run):
    """The .ply byte by byte, every array of the parameters with the motion."""
    trained, one = write_trained(tmp_path), tmp_path / "subj.ply"
    there = convert(avatar=trained, flame=flame, out=one)
    assert there.status == 0, there
    assert "11,594 Gaussians on a flame-teeth mesh of 10,144 triangles" in there.stdout
    back = convert(avatar=one, out=tmp_path / "back", flame_param=tmp_path / "flame_param.npz")
    assert back.status == 0, back
    assert (tmp_path / "back" / trained.name).read_bytes() == trained.read_bytes()
    before, after = (read_arrays(d / "flame_param.npz") for d in (tmp_path, tmp_path / "back"))
    assert set(before) == set(after)
    for name, array in before.items():
        assert np.array_equal(array, after[name]) and array.dtype == after[name].dtype
    again = convert(avatar=tmp_path / "back", out=tmp_path / "again.ply")
    assert again.status == 0 and (tmp_path / "again.ply").read_bytes() == one.read_bytes()


def test_the_demo_avatar_comes_back_byte_by_byte(tmp_path: Path, convert: Run):
    demo = ROOT / "assets" / "demo_avatar.ply"
    assert convert(avatar=demo, out=tmp_path / "folder").status == 0
    assert convert(avatar=tmp_path / "folder", out=tmp_path / "demo.ply").status == 0
    assert (tmp_path / "demo.ply").read_bytes() == demo.read_bytes()


def _refused(outcome: Outcome, *said: str) -> None:
    assert outcome.status == 2, outcome
    sentence = outcome.stderr.strip().splitlines()[-1]
    assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
    for word in said:
        assert word in sentence, sentence


def test_what_is_missing_is_named(tmp_path: Path, flame: Path, convert: Run, avatar_file: Path):
    trained, out = write_trained(tmp_path), tmp_path / "out"
    _refused(convert(avatar=trained, out=tmp_path / "a.ply"), "--flame", "flame.is.tue.mpg.de")
    _refused(convert(avatar=tmp_path / "gone", out=out), "gone")
    _refused(convert(avatar=avatar_file, out=out, flame=flame), "--flame", "leave it out")
    _refused(convert(avatar=avatar_file, out=tmp_path / "point_cloud.ply"), "name its folder")
    _refused(convert(avatar=avatar_file, out=trained.parent / "flame_param.npz"), "is a file")
    motion = {"flame_param": tmp_path / "flame_param.npz"}
    _refused(convert(avatar=avatar_file, out=tmp_path / "a.ply", **motion), "--flame-param")
    _refused(convert(avatar=avatar_file, out=out, **motion), "anny-head", "leave it out")
    (tmp_path / "flame_param.npz").unlink()
    _refused(
        convert(avatar=trained, out=tmp_path / "a.ply", flame=flame), "flame_param.npz", "copy it"
    )
    assert not out.exists() and not (tmp_path / "a.ply").exists()
