"""The capture on disk: layout, splits, noise, resuming, refusals."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
from support import ROOT, write_wav

from avatar.reconstruct.capture_reader import open_capture
from common.errors import InputError
from research.captures import make
from research.captures.make import claim, make_capture
from research.captures.options import CaptureOptions, check_options
from research.captures.scene import Scene

TINY = CaptureOptions(
    out=Path(), width=32, height=24, cameras=3, timesteps=1, held_out_timesteps=1, speech=False
)


@pytest.fixture(autouse=True)
def _same_subject(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "build_scene", lambda seed: scene)


def made(folder: Path, **changes: Any) -> Path:
    make_capture(replace(TINY, out=folder, **changes))
    return folder


def frames(folder: Path, split: str) -> list[dict[str, Any]]:
    return json.loads((folder / f"transforms_{split}.json").read_text())["frames"]


def contents(folder: Path) -> dict[str, bytes]:
    """Every picture, mesh and transforms file by its name."""
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    assert not [name for name in found if "partial" in name]
    return {name: path.read_bytes() for name, path in sorted(found.items())}


def test_it_opens_as_a_capture(scene: Scene, tmp_path: Path):
    capture = open_capture(made(tmp_path / "capture"))
    assert capture.topology == "anny-head"
    assert np.array_equal(capture.rest.numpy(), scene.rest.numpy())
    assert capture.vertices.shape == (2, *scene.rest.shape)
    assert {name: len(views) for name, views in capture.splits.items()} == {
        "train": 1 * 2,
        "val": 1 * 1,
        "test": 1 * 3,
    }
    view = capture.splits["train"][0]
    assert imageio.imread(view.image).shape == (24, 32, 3)


def test_the_voice_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    check_options(CaptureOptions(out=Path("capture")))


def test_a_capture_knows_its_voice_by_what_it_says(tmp_path: Path):
    """Not by the name of the file, which is another from another folder."""
    said, silent = np.full(800, 0.1, np.float32), np.zeros(800, np.float32)
    out = tmp_path / "capture"
    heard = replace(TINY, out=out, speech=True)
    claim(replace(heard, audio=write_wav(tmp_path / "a.wav", said)))
    claim(replace(heard, audio=write_wav(tmp_path / "b.wav", said)))
    with pytest.raises(InputError, match="other options"):
        claim(replace(heard, audio=write_wav(tmp_path / "a.wav", silent)))
    assert str(tmp_path) not in (out / "options.json").read_text()


def test_every_frame_says_what_it_should(tmp_path: Path):
    folder = made(tmp_path / "capture")
    entries = [frame for split in ("train", "val", "test") for frame in frames(folder, split)]
    assert len({(e["timestep_index"], e["camera_index"]) for e in entries}) == 2 * 3
    for entry in entries:
        stem = f"{entry['timestep_index']:05d}_{entry['camera_index']:02d}.png"
        assert entry["file_path"] == f"images/{stem}"
        assert entry["fg_mask_path"] == f"fg_masks/{stem}"
        assert imageio.imread(folder / entry["fg_mask_path"]).shape == (24, 32)
        assert imageio.imread(folder / entry["region_path"]).max() <= 4
        assert np.load(folder / entry["vertices_path"])["vertices"].dtype == np.float32
        assert (entry["w"], entry["h"], entry["cx"], entry["cy"]) == (32, 24, 16, 12)
        field = 2 * np.arctan(32 / 2 / entry["fl_x"])
        assert entry["camera_angle_x"] == pytest.approx(field)
        pose = np.array(entry["transform_matrix"])
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-6)
        towards_head = -pose[:3, 3] / np.linalg.norm(pose[:3, 3])
        assert -pose[:3, 2] @ towards_head > 0.99  # OpenGL: the camera looks along its -z
    held = {frame["camera_index"] for frame in frames(folder, "val")}
    assert held.isdisjoint(frame["camera_index"] for frame in frames(folder, "train"))


def test_the_same_seed_writes_the_same_files_on_any_number_of_threads(tmp_path: Path):
    one, two = made(tmp_path / "one", threads=1), made(tmp_path / "two", threads=3)
    assert contents(one) == contents(two)
    assert contents(one) != contents(made(tmp_path / "other", seed=1))


def test_an_interrupted_capture_is_no_capture_and_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = contents(made(tmp_path / "whole"))
    folder, draw, count = tmp_path / "broken", make.draw, 0

    def stops(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return draw(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(make, "draw", stops)
        with pytest.raises(KeyboardInterrupt):
            made(folder, threads=1)
    assert not list(folder.glob("transforms_*.json"))
    assert len(list((folder / "images").iterdir())) >= 2
    result = make_capture(replace(TINY, out=folder))
    assert 0 < result.drawn < result.pictures == 6
    assert contents(folder) == whole


def test_pictures_that_are_there_are_kept(tmp_path: Path):
    folder = made(tmp_path / "capture")
    before = contents(folder)
    (folder / "images" / "00001_01.png").unlink()
    assert make_capture(replace(TINY, out=folder)).drawn == 1
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 8}, "--width 8"),
        ({"height": 100_000}, "--height 100000"),
        ({"cameras": 0}, "--cameras 0"),
        ({"cameras": 101}, "--cameras 101"),
        ({"timesteps": 0}, "--timesteps 0"),
        ({"held_out_timesteps": -1}, "--held-out-timesteps -1"),
        ({"threads": 0}, "--threads 0"),
        ({"seed": -1}, "--seed -1"),
        ({"speech": True, "audio": Path("nowhere.wav")}, "nowhere.wav"),
        ({"speech": True, "audio": Path(__file__)}, "test_make_capture.py"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], said: str
):
    with pytest.raises((ValueError, OSError), match=said) as caught:
        made(tmp_path / "capture", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "capture").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="exists already; name a new folder"):
        made(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    folder = made(tmp_path / "capture")
    before = contents(folder)
    with pytest.raises(ValueError, match="other options"):
        made(folder, seed=3)
    assert contents(folder) == before
    (folder / "options.json").write_text('{"width": 3')
    with pytest.raises(InputError, match=r"options\.json: this is not a JSON file"):
        made(folder)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"missing.* does not exist"):
        made(tmp_path / "missing" / "capture")


def test_the_command_ends_with_status_2_and_one_sentence(tmp_path: Path):
    command = [sys.executable, ROOT / "scripts" / "make_capture.py", "--out", tmp_path / "c"]
    run = subprocess.run(
        [*command, "--width", "3"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert run.returncode == 2
    assert run.stderr.strip().splitlines()[-1].startswith("error: --width 3")
    assert "Traceback" not in run.stderr
