import numpy as np
import torch

from avatar.face.idle_motion import (
    BROW_RAISE,
    RATE_SILENT,
    RATE_SPEAKING,
    lid_closure,
    live,
    speech_activity,
)
from avatar.heads import load_head

PIVOT = load_head().pivot
FPS = 25.0


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Energy [F] of four seconds of syllables and two of pause, again and again."""
    t = np.arange(int(seconds * FPS)) / FPS
    talk = (t % 6 < 4) * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))
    noise = np.random.default_rng(seed).uniform(0.9, 1.1, len(t))
    return (0.1 * talk * noise).astype(np.float32)


def blink_starts(weights: torch.Tensor) -> np.ndarray:
    closed = (weights > 0.5).int()
    return torch.nonzero(closed.diff() == 1).squeeze(1).numpy()


def angles(poses: torch.Tensor) -> torch.Tensor:
    """Rotation angle in degrees of each pose [F, 4, 4]."""
    trace = poses[:, :3, :3].diagonal(dim1=1, dim2=2).sum(1)
    return torch.rad2deg(torch.acos(((trace - 1) / 2).clamp(-1, 1)))


def test_blinks_come_at_published_rates_and_last_as_long():
    minutes = 60
    for energy, rate in (
        (np.zeros(int(60 * minutes * FPS), np.float32), RATE_SILENT),
        (np.tile(speech(4), 15 * minutes), RATE_SPEAKING),
    ):
        weights = live(energy, FPS, PIVOT, 0).unit_weights["eyeBlinkLeft"]
        starts = blink_starts(weights)
        assert abs(len(starts) / (60 * minutes * rate) - 1) < 0.1
        intervals = np.diff(starts) / FPS
        assert 0.4 < intervals.std() / intervals.mean() < 0.8
        assert intervals.min() > 0.5
        share = float((weights > 0.5).float().mean()) / (len(starts) / len(weights)) / FPS
        assert 0.08 < share < 0.25  # seconds half closed or more


def test_a_lid_closes_fully_and_opens_more_slowly_than_it_closes():
    t = np.linspace(-0.1, 0.6, 701)
    closure = lid_closure(t)
    assert closure[0] == closure[-1] == 0
    assert closure.max() == 1
    half = t[closure > 0.5]
    peak = t[closure == 1]
    assert half[-1] - peak[-1] > peak[0] - half[0]


def test_the_same_seed_lives_the_same_life():
    a, b, c = (live(speech(20), FPS, PIVOT, seed) for seed in (1, 1, 2))
    assert torch.equal(a.head_pose, b.head_pose)
    assert torch.equal(a.unit_weights["eyeBlinkLeft"], b.unit_weights["eyeBlinkLeft"])
    assert not torch.equal(a.head_pose, c.head_pose)


def test_the_head_moves_a_little_smoothly_and_about_its_pivot():
    poses = live(speech(120), FPS, PIVOT, 0).head_pose
    turned = angles(poses)
    assert 0.8 < turned.mean() < 4
    assert turned.max() < 10
    steps = angles(poses[1:] @ torch.linalg.inv(poses[:-1]))
    assert steps.max() < 0.8
    assert torch.allclose(poses[:, :3, :3] @ PIVOT + poses[:, :3, 3], PIVOT.expand(len(poses), 3))


def test_the_head_moves_more_in_speech_than_in_pauses():
    energy = speech(240)
    poses = live(energy, FPS, PIVOT, 0).head_pose
    steps = angles(poses[1:] @ torch.linalg.inv(poses[:-1]))
    phase = torch.arange(len(steps)) / FPS % 6
    assert steps[(phase > 1) & (phase < 3.5)].mean() > 1.5 * steps[phase > 4.8].mean()


def test_brows_rise_with_stress_and_never_far():
    weights = live(speech(60), FPS, PIVOT, 0).unit_weights
    for name, highest in BROW_RAISE.items():
        assert 0.3 * highest < weights[name].max() <= highest + 1e-6
        assert weights[name].min() >= 0


def test_silence_is_no_activity():
    assert not speech_activity(np.zeros(100, np.float32)).any()
    assert not speech_activity(np.full(100, 1e-6, np.float32)).any()


def test_a_recording_of_one_frame_lives():
    life = live(np.array([0.1], np.float32), FPS, PIVOT, 0)
    assert life.head_pose.shape == (1, 4, 4)
    assert torch.isfinite(life.head_pose).all()
