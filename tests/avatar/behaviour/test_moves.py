"""Planned movements."""

import numpy as np

from avatar.behaviour.speech_events import RATE, Trajectories, least_jerk


def places(moves: Trajectories, frames: int) -> np.ndarray:
    return np.array([moves.step() for _ in range(frames)])


def test_a_movement_gets_where_it_should_and_stays():
    moves = Trajectories(np.array([1.0, -2.0]))
    moves.plan(0.1, 0.5, np.array([3.0, 4.0]))
    way = places(moves, 100)
    assert np.array_equal(way[:10], np.tile([1.0, -2.0], (10, 1)))
    assert np.allclose(way[60:], [4.0, 2.0], atol=1e-12) and np.allclose(moves.goal, [4.0, 2.0])
    assert np.all(np.diff(way[9:60], axis=0) > 0)


def test_movements_that_overlap_add_up():
    both, one, other = (Trajectories(np.zeros(1)) for _ in range(3))
    for moves, starts in ((both, (0.0, 0.2)), (one, (0.0,)), (other, (0.2,))):
        for start in starts:
            moves.plan(start, 0.6, np.array([2.0]))
    assert np.allclose(places(both, 120), places(one, 120) + places(other, 120), atol=1e-12)


def test_a_movement_whose_start_is_past_begins_at_once():
    late, now = Trajectories(np.zeros(1)), Trajectories(np.zeros(1))
    late.plan(-0.3, 0.4, np.ones(1))
    now.plan(0.0, 0.4, np.ones(1))
    assert np.array_equal(places(late, 50), places(now, 50))


def test_the_way_starts_and_ends_at_rest_with_no_acceleration():
    t = np.linspace(0, 1, 1001)
    way = least_jerk(t)
    assert (way[0], way[-1]) == (0, 1) and np.allclose(way + way[::-1], 1)
    speed = np.gradient(way, t)
    assert abs(speed.max() - 1.875) < 1e-3 and max(speed[0], speed[-1]) < 1e-4
    assert RATE == 100
