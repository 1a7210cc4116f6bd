"""A tracked person and what they do, said by FLAME's parameters."""

from pathlib import Path

import numpy as np
import pytest
import torch
from flame_files import write_flame
from flame_geometry import SKIN, means
from performances import performance
from scipy.spatial.transform import Rotation
from tracked_pictures import keep_pictures

from avatar.geometry.similarity import fit_similarity
from avatar.heads.flame_model import (
    LIP_PAIRS,
    ROOT,
    FlameModel,
    FlameParameters,
    flame_vertices,
    load_flame,
)
from avatar.reconstruct.capture_reader import open_capture
from avatar.tracking.flame_fit import FlamePerson, flame_frames, flame_person
from avatar.tracking.result import Tracking, head_poses, world_vertices
from avatar.tracking.write import write_tracking

UPPER, LOWER = (torch.tensor(side) for side in zip(*LIP_PAIRS, strict=True))
STILL = torch.eye(4)


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> FlameModel:
    return load_flame(write_flame(tmp_path_factory.mktemp("flame")))


@pytest.fixture(scope="module")
def tracking() -> Tracking:
    """Somebody who looks to their left, farther and farther."""
    shown = performance(frames=4)
    names = shown.model.head.unit_names
    looks = [names.index(name) for name in ("eyeLookOutLeft", "eyeLookInRight")]
    for row, state in enumerate(shown.states):
        state.weights[looks] = 0.25 * row
    frames = torch.arange(4)
    return Tracking(shown.model, shown.person, shown.states, frames, 25.0, (64, 64))


@pytest.fixture(scope="module")
def person(flame: FlameModel, tracking: Tracking) -> FlamePerson:
    return flame_person(flame, tracking.rest)


@pytest.fixture(scope="module")
def found(person: FlamePerson, tracking: Tracking) -> FlameParameters:
    poses = head_poses(tracking)
    return flame_frames(person, tracking, poses, STILL.expand_as(poses))[0]


def tracked_skin(tracking: Tracking, row: int) -> torch.Tensor:
    """The tracked mesh [3931, 3] of a frame, in the world, at FLAME's own vertices."""
    mesh = world_vertices(tracking, row, head_poses(tracking)[row], STILL)
    return torch.from_numpy(means() @ mesh.double().numpy()).float()


def face_of(person: FlamePerson) -> torch.Tensor:
    """The vertices of the front of the skin."""
    rest = person.face.mesh.vertices[:SKIN]
    return ((rest[:, 2] > 0.04) & (rest[:, 1] > -0.08)).nonzero().squeeze(1)


def test_flame_stands_and_moves_where_the_tracked_head_does(
    flame: FlameModel, tracking: Tracking, person: FlamePerson, found: FlameParameters
):
    posed = flame_vertices(flame, found)[:, :SKIN]
    face = face_of(person)
    for row in range(4):
        apart = (posed[row] - tracked_skin(tracking, row))[face].norm(dim=1)
        assert apart.mean() < 2e-3
        assert apart.quantile(0.95) < 6e-3


def test_the_torso_does_not_turn_with_the_head(flame: FlameModel, found: FlameParameters):
    posed = flame_vertices(flame, found)[:, :SKIN].double().numpy()
    low = flame.weights[:SKIN, ROOT].numpy() > 0.95
    assert low.sum() > 10 and found.neck.norm(dim=1).max() > 0.2
    for row in range(1, 4):
        turned = fit_similarity(posed[0, low], posed[row, low]).rotation
        assert np.degrees(Rotation.from_matrix(turned).magnitude()) < 3


def test_both_eyes_turn_to_the_left(found: FlameParameters):
    yaw = found.eyes.reshape(4, 2, 3)[:, :, 1]  # about +y, which is up
    assert (yaw.diff(dim=0) > np.radians(3)).all()
    assert yaw.max() < np.radians(50)


def test_the_capture_is_read_with_the_flame_file_alone(
    flame: FlameModel,
    tracking: Tracking,
    person: FlamePerson,
    found: FlameParameters,
    tmp_path: Path,
):
    keep_pictures(tmp_path, tracking.frames, 64)
    said = write_tracking(tracking, tmp_path, lambda: None, 0.25, person)
    assert "mm off" in said and not (tmp_path / "vertices").exists()
    capture = open_capture(tmp_path, write_flame(tmp_path))
    assert capture.topology == "flame-teeth"
    assert [len(capture.splits[name]) for name in ("train", "test")] == [3, 1]
    wanted = flame_vertices(flame, found)
    assert capture.vertices.shape[0] == 4
    torch.testing.assert_close(capture.vertices[:, : wanted.shape[1]], wanted, atol=2e-4, rtol=0)


def test_another_mean_head_finds_the_same_person(tracking: Tracking, tmp_path: Path):
    other = flame_person(load_flame(write_flame(tmp_path, seed=1)), tracking.rest)
    assert other.residual_mm < 2
    gaps = (other.face.mesh.vertices[UPPER] - other.face.mesh.vertices[LOWER]).norm(dim=1)
    assert gaps.mean() < 2e-3
