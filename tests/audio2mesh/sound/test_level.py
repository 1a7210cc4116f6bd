import torch
from speech_models import syllables

from audio2mesh.sound.mel import normalise_level


def _voice(seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(syllables(8.0, seed)[0])


def test_loudness_does_not_matter():
    voice = torch.stack([_voice(), _voice(1)])
    torch.testing.assert_close(normalise_level(voice), normalise_level(0.1 * voice))
    torch.testing.assert_close(normalise_level(voice[0]), normalise_level(voice)[0])


def test_pauses_do_not_raise_the_level():
    voice = _voice()
    with_pause = torch.cat([voice, torch.zeros(64_000)])
    torch.testing.assert_close(
        normalise_level(with_pause)[: len(voice)], normalise_level(voice), rtol=0.05, atol=1e-4
    )


def test_silence_stays_silent_and_faint_noise_faint():
    assert normalise_level(torch.zeros(2, 16_000)).abs().max() == 0
    hiss = 1e-4 * torch.randn(16_000)
    assert normalise_level(hiss).std() < 0.01
