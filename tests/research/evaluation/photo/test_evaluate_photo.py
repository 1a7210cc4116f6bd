"""The command, on the avatar of one picture of a made-up person's capture."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from captures import CaptureSpec, write_capture
from PIL import Image
from support import Outcome

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.geometry.triangle_mesh import Mesh
from avatar.photo.make import fit_photos
from avatar.rigging.draw import avatar_rig
from common.errors import InputError
from research.evaluation.options import PhotoEvaluationOptions
from research.evaluation.photo.evaluate import evaluate_photo
from splat import Camera, orbit, render
from tests.heads_in_pictures import DEMO

SIZE, YAWS = 352, (0.0, -30.0, 15.0)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo avatar at rest, seen by three cameras."""
    demo = load_avatar(DEMO)
    rig = avatar_rig(demo, torch.device("cpu"))

    def paint(vertices: torch.Tensor, view: Camera) -> np.ndarray:
        drawn = render(rig(vertices), view)
        colour = drawn.color / drawn.alpha[..., None].clamp(min=1e-6)
        both = torch.cat([colour.clamp(0, 1), drawn.alpha[..., None]], -1)
        return (both * 255).round().byte().numpy()

    middle = demo.vertices.mean(0)
    views = tuple(orbit(middle, 1.3, yaw, 0.0, 20.0, SIZE, SIZE) for yaw in YAWS)
    mesh, twice = Mesh(demo.vertices, demo.faces), demo.vertices.expand(2, -1, 3)
    spec = CaptureSpec(mesh, twice, views, "anny-head", held_out=1)
    return write_capture(tmp_path_factory.mktemp("evaluated") / "capture", spec, paint)


@pytest.fixture(scope="module")
def photo(capture: Path) -> Path:
    return capture / "images" / "00000_00.png"


@pytest.fixture(scope="module")
def avatar(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo avatar in the shape that the photo is found to have."""
    path = tmp_path_factory.mktemp("made") / "me.ply"
    save_avatar(path, replace(load_avatar(DEMO), vertices=fit_photos([photo]).rest))
    return path


def test_the_command_measures_all_there_is(
    run_script: Callable[..., Outcome], photo: Path, avatar: Path, tmp_path: Path
):
    report, sheet = tmp_path / "scores.json", tmp_path / "sheet.png"
    run = run_script(
        *("evaluate photo", avatar, "--photo", photo, "--truth", photo, "--frames", 3),
        *("--report", report, "--sheet", sheet, "--device", "cpu"),
    )
    assert run.status == 0, run.stderr
    found = json.loads(report.read_text())
    (own,) = found["photos"]
    assert own["psnr"] > 19 and own["regions"]["mouth"]["psnr"] > 22 and own["outline"] > 0.9
    assert [side["yaw_deg"] for side in found["sides"]] == [-45, -30, -15, 0, 15, 30, 45]
    assert all(side["found"] == 1 for side in found["sides"][1:-1])
    assert found["sides"][3]["error"] < 0.05
    assert [row["angle_deg"] for row in found["truth"]] == [0, 15, 30]
    assert min(row["head"] for row in found["truth"]) > 19
    assert all(0.8 < row["outline"] <= 1 for row in found["truth"])
    assert Image.open(sheet).size[1] > 4 * 288


def test_what_does_not_belong_together_is_refused(photo: Path, avatar: Path):
    with pytest.raises(InputError, match="was not made of"):
        evaluate_photo(PhotoEvaluationOptions(DEMO, (photo,)))
    with pytest.raises(InputError, match="--frames 2: must be at least 3"):
        evaluate_photo(PhotoEvaluationOptions(avatar, (photo,), frames=2))


def test_the_truth_has_to_be_a_picture_of_a_capture(photo: Path, avatar: Path, capture: Path):
    mask = capture / "fg_masks" / photo.name
    with pytest.raises(InputError, match="is no picture of the capture"):
        evaluate_photo(PhotoEvaluationOptions(avatar, (photo,), truth=mask, frames=3))
    with pytest.raises(FileNotFoundError, match="transforms_train"):
        evaluate_photo(PhotoEvaluationOptions(avatar, (photo,), truth=avatar, frames=3))
