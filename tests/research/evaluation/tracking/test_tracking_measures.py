"""Figures of tracking, each under a disturbance of known size."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from avatar.geometry.vectors import Floats
from avatar.heads import load_head
from avatar.heads.shape_space import mean_face
from research.evaluation.tracking.measures import (
    closures,
    face_vertices,
    less_fixed_offsets,
    lip_gaps,
    picture_jitter,
    rotation_errors,
    score_track,
    shape_error,
)
from research.evaluation.tracking.track import Track

HEAD = load_head()
FRAMES, DISTANCE = 30, 0.6
TO_CAMERA = np.diag([1.0, -1.0, -1.0])


@pytest.fixture(scope="module")
def truth() -> Track:
    """A head that turns, opens and shuts its mouth three times, and looks about."""
    time = np.arange(FRAMES) / FRAMES
    jaw = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    offsets = torch.from_numpy(jaw).float()[:, None, None] * HEAD.unit("jawOpen")
    rest = HEAD.vertices + 0.5 * HEAD.identities["woman"]
    angles = np.stack([30 * np.sin(2 * np.pi * time), 8 * np.cos(2 * np.pi * time)], 1)
    rotations = TO_CAMERA @ Rotation.from_euler("YX", angles, degrees=True).as_matrix()
    local = (rest + offsets).double().numpy()
    return Track(
        vertices=local @ rotations.mT + [0.01, 0.02, DISTANCE],
        rest=rest.double().numpy(),
        rotations=rotations,
        focal=1.3,
        centre=np.array([0.5, 0.5]),
        gaze=np.stack([angles, angles], 1) / 2,
        eyes_open=np.ones(FRAMES, bool),
    )


def scores(tracked: Track, true: Track) -> dict[str, float]:
    return asdict(score_track(tracked, true, HEAD))


def turned(track: Track, turns: Rotation) -> Track:
    """The head turned on the spot, in the axes of the camera."""
    matrices = np.broadcast_to(turns.as_matrix(), (FRAMES, 3, 3))
    middle = track.vertices.mean(1, keepdims=True)
    vertices = (track.vertices - middle) @ matrices.mT + middle
    return replace(track, vertices=vertices, rotations=matrices @ track.rotations)


def test_the_truth_is_like_itself(truth: Track):
    found = scores(truth, truth)
    ones = {"focal_ratio", "gap_correlation", "closures_found"}
    of_the_truth = {"mean_face_mm", "shut_gap_mm", "person_iou", "hair_iou"}
    for name, value in found.items():
        if name not in of_the_truth:
            assert value == pytest.approx(float(name in ones), abs=1e-5), name
    assert found["mean_face_mm"] > 0.5
    assert found["shut_gap_mm"] < 0.2


def test_scale_and_world_do_not_matter(truth: Track):
    """A film of one camera does not tell how large the head is: all metres may be others."""
    larger = replace(truth, vertices=1.2 * truth.vertices, rest=1.2 * truth.rest + [0, 1, 0])
    found = scores(larger, truth)
    for name in ("reprojection_px", "identity_mm", "lips_mm", "rotation_deg"):
        assert found[name] == pytest.approx(0, abs=1e-5)


def test_a_constant_turn_is_no_error_of_rotation_but_one_in_the_picture(truth: Track):
    head_turn = Rotation.from_euler("y", 5, degrees=True).as_matrix()
    defined_otherwise = replace(truth, rotations=truth.rotations @ head_turn)
    found = scores(defined_otherwise, truth)
    assert found["rotation_deg"] == pytest.approx(0, abs=1e-5)
    assert found["reprojection_px"] == pytest.approx(0, abs=1e-6)


def test_frames_turned_to_and_fro_are_turned_by_as_much(truth: Track):
    signs = np.where(np.arange(FRAMES) % 2, 2.0, -2.0)
    found = scores(turned(truth, Rotation.from_euler("z", signs[:, None], degrees=True)), truth)
    assert found["rotation_deg"] == pytest.approx(2.0, abs=0.01)
    assert found["rotation_p90_deg"] == pytest.approx(2.0, abs=0.01)
    assert found["rotation_jitter_deg"] == pytest.approx(8.0, abs=0.02)
    assert found["drift_px"] > 1
    assert found["lips_mm"] == pytest.approx(0, abs=1e-5)


def test_rotation_errors_have_the_size_of_noise():
    rng = np.random.default_rng(0)
    true = Rotation.random(2000, rng=rng)
    noise = Rotation.from_rotvec(np.radians(rng.normal(0, 1, (2000, 3))))
    angles, jitter = rotation_errors((true * noise).as_matrix(), true.as_matrix())
    assert np.sqrt((angles**2).mean()) == pytest.approx(np.sqrt(3), rel=0.05)
    assert jitter == pytest.approx(np.sqrt(3 * 6), rel=0.05)


def test_a_shift_in_the_picture_is_found_and_is_no_drift(truth: Track):
    shifted = replace(truth, centre=truth.centre + np.array([3.0, 4.0]) / 512)
    found = scores(shifted, truth)
    assert found["reprojection_px"] == pytest.approx(5, abs=1e-6)
    assert found["drift_px"] == pytest.approx(0, abs=1e-6)
    assert found["jitter_px"] == pytest.approx(0, abs=1e-6)


def test_a_longer_focal_length_enlarges(truth: Track):
    found = scores(replace(truth, focal=1.1 * truth.focal), truth)
    assert found["focal_ratio"] == pytest.approx(1.1)
    assert found["reprojection_px"] > 3


def test_fixed_offsets_are_medians_over_frames_that_see_the_vertex():
    rng = np.random.default_rng(1)
    fixed, seen = rng.normal(0, 5, (1, 4, 2)), np.ones((9, 4), bool)
    errors = np.repeat(fixed, 9, 0)
    errors[:4, 0], seen[:4, 0] = 100, False  # unseen frames do not count
    seen[:, 1] = False
    left = less_fixed_offsets(errors, seen)
    assert np.abs(left[seen]).max() < 1e-12
    assert np.array_equal(left[:, 1], errors[:, 1])


def test_jitter_is_blind_to_steady_motion():
    steady = np.arange(10.0)[:, None, None] * np.array([1.0, 2.0])
    seen = np.ones((10, 1), bool)
    assert picture_jitter(steady, seen) == pytest.approx(0, abs=1e-12)
    to_and_fro = steady + np.where(np.arange(10) % 2, 0.5, -0.5)[:, None, None] * [1, 0]
    assert picture_jitter(to_and_fro, seen) == pytest.approx(2)


def test_a_dent_of_known_depth_is_found_in_the_identity():
    true, face = mean_face().double().numpy(), face_vertices(HEAD)
    dented, some = true.copy(), face[:: len(face) // 20]
    dented[some, 2] -= 0.01
    share = len(some) / len(face)  # by which laying it on carries all of it back
    expected = 10 * 2 * share * (1 - share)
    assert shape_error(dented, true, face, face) == pytest.approx(expected, rel=0.2)


def test_lips_moved_aside_are_off_by_nearly_as_much(truth: Track):
    """Laying the face on takes a little of it back."""
    found, lips = [], HEAD.regions["lips"].numpy()
    for shift in (0.001, 0.002):
        moved = truth.vertices.copy()
        moved[:, lips, 0] += shift
        found.append(scores(replace(truth, vertices=moved), truth)["lips_mm"])
    assert 0.7 < found[0] < 1
    assert found[1] == pytest.approx(2 * found[0], rel=0.02)


def opened(track: Track, millimetres: Floats) -> Track:
    """The upper lip raised in each frame [F]."""
    vertices, upper = track.vertices.copy(), HEAD.regions["lip_inner_upper"].numpy()
    up = track.rotations[:, None, :, 1] * (millimetres * 1e-3)[:, None, None]
    vertices[:, upper] += up
    return replace(track, vertices=vertices)


def test_lips_that_do_not_shut_are_found(truth: Track):
    shut = lip_gaps(HEAD, truth.vertices) < 1
    found = scores(opened(truth, np.where(shut, 3.0, 0.0)), truth)
    assert found["shut_gap_mm"] == pytest.approx(3, abs=0.1)
    assert found["closures_found"] == 0


def test_lips_that_move_at_other_times_do_not_correlate(truth: Track):
    late = replace(truth, vertices=np.roll(truth.vertices, 5, axis=0))
    assert scores(late, truth)["gap_correlation"] < 0.1


def test_closures_are_found_a_frame_late_and_false_where_lips_are_open():
    true = np.array([5, 5, 0, 0, 5, 5, 5, 0, 5, 5, 5, 5.0])
    late = np.array([5, 5, 5, 5, 0, 5, 5, 5, 5, 5, 0, 5.0])
    assert closures(late, true) == ([True, False], [False, True])
    nearly = np.where(true == 5, 1.5, true)
    assert closures(late, nearly)[1] == [False, False]


def test_eyes_that_look_aside_are_found_while_open(truth: Track):
    gaze = truth.gaze + np.array([4.0, 0.0])
    gaze[:5] += 40
    eyes_open = np.arange(FRAMES) >= 5
    found = scores(replace(truth, gaze=gaze), replace(truth, eyes_open=eyes_open))
    assert found["gaze_deg"] == pytest.approx(4, abs=0.1)
