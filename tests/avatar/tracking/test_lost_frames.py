"""Where a film loses the face, the motion goes on in time and says so."""

from pathlib import Path

import numpy as np
import torch
from performances import SIZE, performance

from avatar.avatar_io.live_link import read_take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.heads.arkit import WEIGHTS
from avatar.tracking.result import Tracking, head_poses, take_of
from avatar.tracking.write import held_rows, write_performance
from common.arrays import read_arrays

FRAMES = [3, 4, 7, 8]  # of the film: two are lost


def test_rows_are_held_until_the_next_one():
    assert held_rows(torch.tensor(FRAMES)).tolist() == [0, 1, 1, 1, 2, 3]
    assert held_rows(torch.tensor([5])).tolist() == [0]


def test_the_motion_stands_still_where_the_face_is_lost(tmp_path: Path):
    shown = performance(frames=len(FRAMES))
    jaw = shown.model.head.unit_names.index("jawOpen")
    for k, state in enumerate(shown.states):
        state.weights[jaw] = 0.1 * k
    size = (int(SIZE), int(SIZE))
    frames = torch.tensor(FRAMES)
    tracking = Tracking(shown.model, shown.person, shown.states, frames, 25.0, size)
    poses = head_poses(tracking)
    write_performance(tracking, tmp_path, poses)
    motion = open_motion(tmp_path / "motion.npz")
    seen = read_arrays(tmp_path / "motion.npz", leave="offsets")["seen"]
    assert seen.tolist() == [True, True, False, False, True, True]
    torch.testing.assert_close(motion.head_pose[seen], poses)
    offsets = torch.cat(list(motion_chunks(motion)))
    torch.testing.assert_close(offsets[1:4], tracking.offsets(1).expand(3, -1, -1))
    torch.testing.assert_close(offsets[5], tracking.offsets(3))
    take = read_take(tmp_path / "take.csv")
    assert len(take.times) == len(offsets)
    told = take_of(tracking).weights[:, WEIGHTS.index("jawOpen")]
    assert told[3] > told[0] + 0.1
    opened = take.weights[:, WEIGHTS.index("jawOpen")]
    np.testing.assert_allclose(opened, np.interp(range(3, 9), FRAMES, told), atol=1e-3)


def test_a_film_that_never_loses_the_face_is_seen_throughout(tmp_path: Path):
    shown = performance(frames=3)
    frames = torch.arange(3)
    size = (int(SIZE), int(SIZE))
    tracking = Tracking(shown.model, shown.person, shown.states, frames, 25.0, size)
    write_performance(tracking, tmp_path, head_poses(tracking))
    assert read_arrays(tmp_path / "motion.npz", leave="offsets")["seen"].all()
