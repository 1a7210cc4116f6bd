"""The demo avatar does what made-up actors did, whose films were tracked without error."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support import Outcome

from avatar.avatar_io.live_link import read_take, write_take
from avatar.avatar_io.take_poses import head_angles
from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.reconstruct.capture_writer import PICTURES, picture_path, write_picture
from common.errors import InputError
from research.captures import film as make
from research.captures.film import make_film
from research.captures.options import CaptureOptions
from research.captures.scene import Scene, build_scene
from research.evaluation.options import ReenactmentEvaluationOptions
from research.evaluation.reenactment.evaluate import about_mean, evaluate_reenactment

TINY = CaptureOptions(out=Path(), film=True, width=24, height=24, timesteps=60, speech=False)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build_scene(0)


@pytest.fixture(scope="module")
def films(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    """Tracked and true folders: two performances, each given by two who look alike."""
    folder, found = tmp_path_factory.mktemp("films"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "_film_frame", black_frame)
        patch.setattr(make, "build_scene", lambda seed: scene)
        for seed in (0, 1):
            for performance in (5, 6):
                out = folder / f"{seed}-{performance}"
                make_film(replace(TINY, out=out, seed=seed, performance=performance))
                found.append((tracked(out), out))
    return found


def black_frame(options: CaptureOptions, take: make.Take, index: int) -> int:
    """Nobody looks at the pictures."""
    for key in PICTURES:
        shape = (24, 24, 3) if key == "file_path" else (24, 24)
        write_picture(options.out / picture_path(key, index, 0), np.zeros(shape, np.uint8))
    return 1


def tracked(film: Path) -> Path:
    """What a tracker without error would write of the performance."""
    folder = film.with_name(film.name + "-tracked")
    folder.mkdir()
    with np.load(film / "motion.npz") as truth:
        poses, weights = torch.from_numpy(truth["head_pose"]), truth["unit_weights"]
    write_take(folder / "take.csv", weights, head_angles(poses).numpy(), 25.0)
    return folder


def options(films: list[tuple[Path, Path]]) -> ReenactmentEvaluationOptions:
    ours, true = zip(*films, strict=True)
    return ReenactmentEvaluationOptions(tracked=ours, truth=true, device="cpu")


def test_a_perfect_track_moves_another_face_as_the_actor_moved(films: list[tuple[Path, Path]]):
    found = evaluate_reenactment(options(films))
    for film in found.films:
        assert film.gap_correlation is not None and film.gap_correlation > 0.97
        assert film.rotation_p90_deg < 0.1
    assert found.probe is not None and found.probe.accuracy == pytest.approx(0.5, abs=0.01)


def test_an_error_shows_in_its_figure(films: list[tuple[Path, Path]], tmp_path: Path):
    """A take that comes 8 frames late, of a head that turns half as far."""
    (ours, true), *_ = films
    take = read_take(ours / "take.csv")
    late = np.roll(take.weights, 8, axis=0)
    write_take(tmp_path / "take.csv", late, take.head / 2, 25.0)
    (film,) = evaluate_reenactment(options([(tmp_path, true)])).films
    assert film.gap_correlation is not None and film.gap_correlation < 0.8
    assert film.rotation_deg > 2


def test_the_mean_pose_does_not_count():
    turns = axis_angle_to_matrix(0.3 * torch.randn(20, 3, dtype=torch.float64)).numpy()
    camera = axis_angle_to_matrix(torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)).numpy()
    np.testing.assert_allclose(about_mean(camera @ turns), about_mean(turns), atol=1e-9)


def test_the_command_writes_its_figures_and_names_what_is_wrong(
    run_script: Callable[..., Outcome], films: list[tuple[Path, Path]], tmp_path: Path
):
    (ours, true), *_ = films
    report = tmp_path / "report.json"
    given = ("--tracked", ours, "--truth", true, "--device", "cpu")
    outcome = run_script("evaluate reenactment", *given, "--report", report)
    assert outcome.status == 0, outcome.stderr
    assert "identity: not probed" in outcome.stdout
    figures = json.loads(report.read_text())
    assert figures["probe"] is None and figures["films"][0]["actor"] == str(true)
    take = read_take(ours / "take.csv")
    write_take(tmp_path / "take.csv", take.weights[:30], take.head[:30], 25.0)
    with pytest.raises(InputError, match=r"has 30 frames, but .* has 60; track the whole film"):
        evaluate_reenactment(options([(tmp_path, true)]))
    with pytest.raises(InputError, match="names 1 folders and --truth 2"):
        evaluate_reenactment(replace(options(films[:1]), truth=(true, true)))
