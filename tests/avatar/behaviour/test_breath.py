"""Chests fill before phrases, empty while they are spoken, and move nothing but the shoulders."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.behaviour.blinks import BREATH, FULL, RISE_METRES, Breath, unit_offsets
from avatar.behaviour.speech_events import RATE, SpeechEvent
from avatar.geometry.similarity import Similarity
from avatar.retarget.fitted_face import shipped_face

AHEAD = 1.0


def chest(phrases: list[tuple[float, float]], seconds: float, ahead: float = AHEAD) -> np.ndarray:
    """The chest [F] while phrases (start, end) are spoken, which are known so far ahead."""
    breath = Breath(np.random.default_rng(0))
    cues = [
        SpeechEvent(kind, time)
        for phrase in phrases
        for kind, time in zip(("onset", "end"), phrase, strict=True)
    ]
    made = []
    for now in np.arange(-round(ahead * RATE), round(seconds * RATE)) / RATE:
        while cues and cues[0].time - ahead <= now:
            breath.hear(cues.pop(0))
        made.append(breath.step(now))
    return np.array(made)[round(ahead * RATE) :]


def test_it_is_full_when_a_phrase_begins_and_empties_while_it_is_spoken():
    made = chest([(3.0, 6.0), (7.0, 10.0)], 12.0)
    for start, end in ((3.0, 6.0), (7.0, 10.0)):
        assert made[round(start * RATE)] == pytest.approx(FULL, abs=0.02)
        spoken = made[round(start * RATE) + 5 : round(end * RATE)]
        assert (np.diff(spoken) <= 0).all()
        assert spoken[-1] < 0.7


def test_no_breath_is_drawn_in_a_gap_that_is_too_short():
    made = chest([(2.0, 4.0), (4.2, 6.0)], 7.0)
    assert (np.diff(made[round(2.1 * RATE) : round(6.0 * RATE)]) <= 0).all()


def test_in_silence_it_breathes_twelve_to_eighteen_times_a_minute():
    made = chest([], 120.0)
    rises = np.flatnonzero((np.diff(made[:-1]) <= 0) & (np.diff(made[1:]) > 0))
    assert 2 * 12 <= len(rises) <= 2 * 18 + 1
    assert made.max() < 0.5


@pytest.mark.parametrize("ahead", [AHEAD, 0.13])
def test_it_never_jumps(ahead: float):
    made = chest([(1.0, 9.0), (9.5, 10.0), (10.1, 10.4), (14.0, 15.0)], 20.0, ahead)
    assert made.min() >= 0 and made.max() <= 1
    assert np.abs(np.diff(made)).max() < 2.0 / (0.55 * RATE)


def test_it_lifts_the_shoulders_and_leaves_the_face_alone():
    face = shipped_face()
    moved = unit_offsets(face, BREATH)
    follows, stays = face.head.pose_weights == 1, face.head.pose_weights == 0
    assert (moved[follows] == 0).all()
    assert torch.allclose(moved[stays], torch.tensor(RISE_METRES))
    assert torch.equal(unit_offsets(face, "jawOpen"), face.head.unit("jawOpen"))


def test_a_mesh_in_another_space_moves_along():
    face, turn = shipped_face(), np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    placed = replace(face, to_head=Similarity(0.01, turn, np.ones(3)))
    rise = unit_offsets(placed, BREATH)[face.head.pose_weights == 0][0]
    assert torch.allclose(torch.from_numpy(0.01 * turn).float() @ rise, torch.tensor(RISE_METRES))
