"""What the subject does: expressions, speech, and how timesteps are shared out."""

from pathlib import Path

import numpy as np
import pytest
from support import write_wav

from avatar.heads import load_head
from research.captures.motion import EXPRESSIONS, Timestep, acted

HEAD = load_head()


def timesteps(counts: tuple[int, int], voice: Path | None = None, seed: int = 0) -> list[Timestep]:
    return acted(HEAD, HEAD.units, HEAD.vertices, counts, voice, seed)


def test_every_expression_is_made_of_units_of_the_head():
    for expression in EXPRESSIONS:
        assert set(expression) <= set(HEAD.unit_names)
        assert all(0 < weight <= 1 for weight in expression.values())


@pytest.mark.parametrize("counts", [(1, 0), (1, 1), (7, 2), (23, 4)])
def test_training_timesteps_come_first_and_are_as_many_as_asked(counts: tuple[int, int]):
    made = timesteps(counts)
    assert [m.held_out for m in made] == [False] * counts[0] + [True] * counts[1]
    assert all(("test" in m.sequence) == m.held_out for m in made)


def test_the_same_seed_moves_alike_and_another_does_not():
    one, again, other = (timesteps((6, 2), seed=seed) for seed in (4, 4, 5))
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(one, again, strict=True))
    assert not any(np.array_equal(a.vertices, b.vertices) for a, b in zip(one, other, strict=True))


def test_held_out_sequences_show_other_faces():
    made = timesteps((20, 10))
    train = np.stack([m.vertices for m in made if not m.held_out])
    for timestep in made[20:]:
        nearest = np.linalg.norm(train - timestep.vertices, axis=-1).max(1).min()
        assert nearest > 0.001


def test_faces_open_close_and_stay_put():
    made = np.stack([m.vertices for m in timesteps((60, 0))])  # [F, V, 3]
    upper, lower = (int(HEAD.regions[f"lip_inner_{side}"][5]) for side in ("upper", "lower"))
    gap = made[:, upper, 1] - made[:, lower, 1]
    assert gap.max() > 0.012
    assert gap.min() < 0.002
    still = ((HEAD.pose_weights < 0.005) & (HEAD.units.norm(dim=-1).amax(0) < 5e-5)).numpy()
    assert still.sum() > 20
    assert np.abs(made[:, still] - HEAD.vertices.numpy()[still]).max() < 0.001
    assert np.abs(made - HEAD.vertices.numpy()).max() < 0.06


def test_hair_can_follow_the_pose_of_the_head():
    for timestep in timesteps((8, 0)):
        turn = timestep.head_pose[:3, :3]
        assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-5)
        pivot = HEAD.pivot.numpy()
        assert np.allclose(turn @ pivot + timestep.head_pose[:3, 3], pivot, atol=1e-6)
        top = int(HEAD.vertices[:, 1].argmax())
        expected = turn @ HEAD.vertices[top].numpy() + timestep.head_pose[:3, 3]
        assert np.abs(timestep.vertices[top] - expected).max() < 1e-4


def test_speech_is_spoken_in_training_and_in_the_test(voice: np.ndarray, tmp_path: Path):
    path = write_wav(tmp_path / "voice.wav", voice[: 4 * 16_000])
    made = timesteps((16, 4), path)
    names = {timestep.sequence for timestep in made}
    assert {"speech-1", "speech-2", "speech-3", "speech-test", "expression-test"} <= names
    spoken = np.stack([m.vertices for m in made if m.sequence.startswith("speech")])
    lips = HEAD.regions["lips"].numpy()
    assert np.abs(spoken[:, lips] - HEAD.vertices.numpy()[lips]).max() > 0.003


def test_a_breath_of_sound_is_enough(tmp_path: Path):
    path = write_wav(tmp_path / "short.wav", np.zeros(900, np.float32))
    assert len(timesteps((16, 4), path)) == 20
