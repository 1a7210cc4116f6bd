"""The command on folders: a made-up track against itself, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from support import Outcome

from avatar.geometry.rotations import axis_angle_to_matrix, turn_about
from avatar.heads import load_head
from avatar.reconstruct.capture_writer import PICTURES, frame_entry, vertices_path, write_transforms
from avatar.rigging.avatar import pose
from common.arrays import write_arrays
from common.errors import InputError
from research.evaluation.figures import iou
from research.evaluation.options import TrackingEvaluationOptions
from research.evaluation.tracking.evaluate import evaluate_tracking
from splat import look_at

HEAD, FRAMES, SIZE = load_head(), 6, 64


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A track of a few frames, on grey pictures."""
    folder = tmp_path_factory.mktemp("film")
    for name in (*PICTURES.values(), "vertices"):
        (folder / name).mkdir()
    camera = look_at(
        *(torch.tensor(place) for place in ([0.0, 0.0, 0.6], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0])),
        **{"focal": 1.2 * SIZE, "width": SIZE, "height": SIZE},
    )
    weights = np.linspace(0, 1, FRAMES)
    units = ("jawOpen", "eyeLookUpLeft")
    offsets = torch.stack([HEAD.express(dict.fromkeys(units, float(w))) for w in weights])
    turns = torch.tensor([[0.0, 0.4 * w - 0.2, 0.0] for w in weights.tolist()])
    poses = turn_about(axis_angle_to_matrix(turns), HEAD.pivot)
    grey = np.full((SIZE, SIZE, 3), 90, np.uint8)
    entries = []
    for frame in range(FRAMES):
        posed = pose(HEAD.vertices + offsets[frame], HEAD, poses[frame]).numpy()
        write_arrays(folder / vertices_path(frame), {"vertices": posed})
        entries.append(frame_entry(frame, 0, camera, "film"))
        for key in PICTURES:
            picture = grey if key == "file_path" else grey[..., 0] // 90
            imageio.imwrite(folder / entries[-1][key], picture)
    mesh = {"faces": HEAD.faces.numpy(), "topology": np.array("anny-head")}
    mesh["rest"] = HEAD.vertices.numpy()
    write_arrays(folder / "canonical_mesh.npz", mesh)
    motion = {"offsets": offsets.numpy(), "head_pose": poses.numpy(), "fps": np.array(25.0)}
    write_arrays(folder / "motion.npz", {**mesh, **motion})
    write_transforms(folder, {"train": entries[:-2], "val": [], "test": entries[-2:]})
    return folder


def test_a_film_against_itself(run_script: Callable[..., Outcome], film: Path, tmp_path: Path):
    report = tmp_path / "scores.json"
    run = run_script("evaluate tracking", film, film, "--report", report)
    assert run.status == 0, run.stderr
    found = json.loads(report.read_text())
    assert found["rotation_deg"] < 1e-4 and found["drift_px"] < 1e-4 and found["gaze_deg"] < 1e-4
    assert found["focal_ratio"] == 1 and found["closures_found"] == 1
    assert found["person_iou"] == found["hair_iou"] == 1


def test_masks_overlap_by_known_shares_in_any_size():
    left, wide = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    left[:, :4], wide[:, :6] = True, True
    assert iou(left, wide) == iou(wide, left) == pytest.approx(4 / 6)
    assert iou(wide.repeat(2, 0).repeat(2, 1), left) == pytest.approx(4 / 6)
    assert iou(left, ~left) == 0 and iou(left ^ left, wide ^ wide) == 1


def broken(film: Path, folder: Path, change: str) -> Path:
    shutil.copytree(film, folder)
    if change == "no motion":
        (folder / "motion.npz").unlink()
    elif change == "short motion":
        with np.load(folder / "motion.npz") as arrays:
            kept = {k: v[:3] if k in ("offsets", "head_pose") else v for k, v in arrays.items()}
        write_arrays(folder / "motion.npz", kept)
    elif change == "two cameras":
        path = folder / "transforms_train.json"
        content = json.loads(path.read_text())
        content["frames"].append(content["frames"][0] | {"camera_id": "01"})
        path.write_text(json.dumps(content))
    else:
        path = folder / "transforms_test.json"
        content = json.loads(path.read_text())
        content["frames"].pop()
        path.write_text(json.dumps(content))
        with np.load(folder / "motion.npz") as arrays:
            kept = {k: v[:-1] if k in ("offsets", "head_pose") else v for k, v in arrays.items()}
        write_arrays(folder / "motion.npz", kept)
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no motion", "motion.npz: there is no such file"),
        ("short motion", "motion.npz: has 3 frames, but the capture has 6"),
        ("two cameras", "has several cameras"),
        ("fewer frames", "has 5 frames, but .* has 6"),
    ],
)
def test_what_does_not_fit_is_refused(film: Path, tmp_path: Path, change: str, said: str):
    options = TrackingEvaluationOptions(broken(film, tmp_path / "tracked", change), film)
    with pytest.raises((InputError, OSError), match=said):
        evaluate_tracking(options)


def test_every_figure_has_its_words(film: Path):
    from research.commands.measure_pictures import ROWS, tracking_table  # noqa: PLC0415

    scores = evaluate_tracking(TrackingEvaluationOptions(film, film))
    assert set(asdict(scores)) == set(ROWS)
    assert tracking_table(scores).row_count == len(ROWS)
