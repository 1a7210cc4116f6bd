"""Life of speech that is still going on, and as a head shows it."""

import numpy as np
import pytest
import torch
from made_up_prosody import talking
from voices import glides, sing

from audio2mesh.prosody.record import first_frames
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.performance import Life, LiveLife, live, still
from avatar.behaviour.speech_events import silence
from avatar.heads import load_head

PIVOT = load_head().pivot
VOICE = talking(20)


def spoken(samples: np.ndarray, cuts: list[int], fps: float = 25.0) -> list[Life]:
    """The lives of pieces of a sound, and what remains."""
    maker = LiveLife(fps, PIVOT)
    return [*(maker.push(piece) for piece in np.split(samples, cuts)), maker.finish()]


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Six seconds."""
    rng = np.random.default_rng(0)
    return sing(glides(6.0, rng), 6.0, rng).astype(np.float32)


def test_how_live_speech_is_cut_up_does_not_matter(sound: np.ndarray):
    steady = spoken(sound, [*range(640, len(sound), 640)])
    odd = spoken(sound, [1, 5000, 5003, 40_000])
    assert sum(len(life.head_pose) for life in steady) == 150
    poses = [torch.cat([life.head_pose for life in lives]) for lives in (steady, odd)]
    assert torch.allclose(poses[0], poses[1], atol=1e-6)
    for name in steady[0].unit_weights:
        curves = [torch.cat([life.unit_weights[name] for life in lives]) for lives in (steady, odd)]
        assert torch.allclose(curves[0], curves[1], atol=1e-6)


@pytest.mark.parametrize("fps", [25.0, 60.0, 23.976])
def test_frames_come_in_time(sound: np.ndarray, fps: float):
    maker, done, heard = LiveLife(fps, PIVOT), 0, 0
    assert maker.latency < 0.4
    for piece in np.array_split(sound, 600):
        done += len(maker.push(piece).head_pose)
        heard += len(piece)
        assert done / fps > heard / 16_000 - maker.latency - 1e-9
    done += len(maker.finish().head_pose)
    assert done == round(len(sound) / 16_000 * fps)


def test_a_recording_gets_a_frame_for_each_of_its_own():
    for fps, frames in ((25.0, 500), (60.0, 1200), (24_000 / 1001, 480), (240.0, 4800)):
        life = live(VOICE, fps, frames, PIVOT, Behaviour())
        assert life.head_pose.shape == (frames, 4, 4)
        assert all(weights.shape == (frames,) for weights in life.unit_weights.values())
        assert all(w.min() >= 0 and w.max() <= 1 for w in life.unit_weights.values())


def test_other_rates_show_the_same_life():
    slow, fast = (live(VOICE, fps, round(20 * fps), PIVOT, Behaviour()) for fps in (25.0, 75.0))
    assert torch.allclose(slow.head_pose, fast.head_pose[1::3], atol=2e-4)


def test_after_the_voice_it_is_silent():
    life = live(VOICE, 25.0, 900, PIVOT, Behaviour())
    moved = (life.head_pose[1:] - life.head_pose[:-1]).abs().amax((1, 2))
    assert (moved[650:] > 1e-3).float().mean() < 0.2 < (moved[50:450] > 1e-3).float().mean()


def test_the_head_turns_about_its_pivot():
    poses = live(VOICE, 25.0, 500, PIVOT, Behaviour()).head_pose
    assert torch.allclose(poses[:, :3, :3] @ PIVOT + poses[:, :3, 3], PIVOT.expand(500, 3))
    assert not torch.equal(poses[100], poses[300])


def test_a_recording_of_one_frame_lives():
    life = live(first_frames(silence(9), 4), 25.0, 1, PIVOT, Behaviour())
    assert life.head_pose.shape == (1, 4, 4) and torch.isfinite(life.head_pose).all()
    assert still(3).head_pose.shape == (3, 4, 4) and not still(3).unit_weights
