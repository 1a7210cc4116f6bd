"""How late filmed lips are: those of a made-up person, whose sound is shifted."""

import numpy as np
import pytest
import torch

from avatar.heads import load_head
from avatar.heads.arkit_fit import fit_weights
from avatar.lipreading.sound_delay import lips_delay
from avatar.video.sound import Sound
from common.assets import DEMO_VOICE
from research.captures.film_motion import filmed

FPS = 25.0
SPOKEN = 150  # frames


@pytest.fixture(scope="module")
def weights() -> torch.Tensor:
    """What a tracker that trembles sees of a film that speaks for six seconds: [F, 52]."""
    head = load_head()
    speech = filmed(head, head.units, 2 * SPOKEN, DEMO_VOICE, 0.0, seed=5).speech
    found, _ = fit_weights(head, [speech])
    noise = 0.03 * torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    return (0.8 * found + noise).clamp(0, 1)


@pytest.mark.parametrize("begin", [0.0, 0.2, -0.2, 0.45])
def test_a_shifted_sound_is_found(weights: torch.Tensor, begin: float):
    """A film that begins later in its sound shows lips that come later."""
    found = lips_delay(weights, FPS, Sound(DEMO_VOICE, begin))
    assert found is not None and found.sure
    assert abs(round(100 * found.seconds) - round(100 * begin)) <= 2  # it is told in hundredths


def test_another_frame_rate_makes_no_difference(weights: torch.Tensor):
    times = np.arange(0, SPOKEN - 1, FPS / 60)
    before = torch.from_numpy(times.astype(int))
    faster = (weights[before] + weights[before + 1]) / 2
    found = lips_delay(faster, 60.0, Sound(DEMO_VOICE, 0.1))
    assert found is not None and found.sure
    assert found.seconds == pytest.approx(0.1, abs=0.04)


def test_nobody_is_sure_of_another_voice_or_a_still_mouth(weights: torch.Tensor):
    for lips in (weights.flip(0), torch.zeros_like(weights)):
        found = lips_delay(lips, FPS, Sound(DEMO_VOICE))
        assert found is None or not found.sure


def test_without_speech_there_is_nothing_to_find(weights: torch.Tensor):
    assert lips_delay(weights, FPS, Sound(DEMO_VOICE, begin=600.0)) is None
    assert lips_delay(weights[:20], FPS, Sound(DEMO_VOICE)) is None
