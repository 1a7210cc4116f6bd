"""Many poses at once, held to the same steps one by one."""

import numpy as np
import pytest
from head_meshes import HEAD, sealed_scan, turned_mesh
from scipy.spatial.transform import Rotation

from avatar.geometry.records import concatenated
from avatar.geometry.similarity import Similarity
from avatar.geometry.vectors import Floats, Ints, normalised
from avatar.retarget.align import MARKS, candidates, starts, turns
from avatar.retarget.icp import (
    Poses,
    Scan,
    Volume,
    mean_distance,
    refine,
    refine_all,
    sample_scan,
    smoothed,
    template_points,
)
from avatar.retarget.template import template_of

TEMPLATE = template_of(HEAD)
TURN = Rotation.from_euler("xyz", [70, 20, 110], degrees=True).as_matrix()


@pytest.fixture(scope="module")
def scan() -> Scan:
    mesh = turned_mesh(sealed_scan().mesh, 40 * TURN, (1.0, 2.0, 3.0))
    return sample_scan(mesh.vertices.double().numpy(), mesh.faces.numpy(), 2000)


def nearest_in(volume: Volume, positions: Floats) -> Ints:
    """The point [...] nearest to the cell of each of positions [..., 3]."""
    last = np.array(volume.nearest_point.shape) - 1
    cells = np.clip(np.floor((positions - volume.corner) / volume.cell).astype(int), 0, last)
    return volume.nearest_point[tuple(np.moveaxis(cells, -1, 0))]


def test_all_at_once_is_one_by_one(scan: Scan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("avatar.retarget.icp.TOGETHER", 10)
    volume, head = Volume.of(scan.points), template_points(TEMPLATE, 80)
    poses = starts(scan.points).at(np.arange(0, 11_000, 400))
    lost = Poses(np.array([1e3]), np.eye(3)[None], np.full((1, 3), 1e6))  # nothing faces it there
    poses = concatenated([poses, lost])
    reaches = (0.05, 0.03)
    refined, distances = refine_all(scan, volume, poses, head, reaches)

    class Gridded(Scan):
        def nearest(self, positions: Floats) -> Ints:
            return nearest_in(volume, positions)

    gridded = Gridded(scan.points, scan.normals, scan.tree)
    for k, distance in enumerate(distances):
        expected = refine(gridded, poses[k], head, reaches)
        assert np.isclose(refined.scale[k], expected.scale, rtol=1e-6)
        assert np.allclose(refined.rotation[k], expected.rotation, atol=1e-6)
        assert np.allclose(refined.translation[k], expected.translation, rtol=1e-6, atol=1e-6)
        assert np.isclose(distance, mean_distance(gridded, expected, head))


def test_a_cell_knows_a_point_as_near_as_the_nearest_but_for_its_own_size(scan: Scan):
    volume = Volume.of(scan.points)
    low, high = scan.points.min(0) - 0.5, scan.points.max(0) + 0.5
    places = np.random.default_rng(0).uniform(low, high, (500, 3))
    nearest = np.linalg.norm(scan.points[scan.nearest(places)] - places, axis=1)
    found = np.linalg.norm(scan.points[nearest_in(volume, places)] - places, axis=1)
    assert (found <= nearest + 2 * np.sqrt(3) * volume.cell).all()


def test_turns_leave_no_direction_out():
    matrices = turns()
    assert np.allclose(np.linalg.det(matrices), 1)
    ups = matrices[:, 1]  # what each brings up
    some = normalised(np.random.default_rng(0).normal(size=(2000, 3)))
    assert np.degrees(np.arccos((some @ ups.T).max(1))).max() < 21
    for axis in (*np.eye(3), *-np.eye(3)):
        assert (ups @ axis).max() > 1 - 1e-9


def test_the_true_pose_is_among_few_unlike_ones(scan: Scan):
    found = candidates(TEMPLATE, scan)
    true = Similarity(1 / 40, TURN.T, -TURN.T @ [1.0, 2.0, 3.0] / 40)
    ways = [
        np.linalg.norm(pose.apply(true.inverse().apply(MARKS)) - MARKS, axis=1) for pose in found
    ]
    assert len(found) <= 6 and min(way.max() for way in ways) < 0.015


def test_averaged_normals_have_less_noise(scan: Scan):
    rng = np.random.default_rng(0)
    noise = scan.normals + rng.normal(scale=0.5, size=scan.normals.shape)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    averaged = smoothed(Scan(scan.points, noise, scan.tree)).normals
    assert ((averaged * scan.normals).sum(1) > 0.8).mean() > 0.93
    assert ((noise * scan.normals).sum(1) > 0.8).mean() < 0.75
