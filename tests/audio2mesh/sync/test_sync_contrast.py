import torch
from torch.nn import functional

from audio2mesh.sync.contrast import offset_loss, segment_distances, window_loss


def _embeddings(*shape: int, seed: int = 0) -> torch.Tensor:
    return functional.normalize(
        torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1
    )


def test_segment_distances_agree_with_their_naive_twin():
    audio, mouth = _embeddings(2, 11, 6), _embeddings(2, 7, 6, seed=1)
    found = segment_distances(audio, mouth)
    for b in range(2):
        for offset in range(5):
            wanted = sum(torch.dist(mouth[b, m], audio[b, m + offset]) for m in range(7)) / 7
            torch.testing.assert_close(found[b, offset], torch.as_tensor(wanted))


def test_losses_prefer_the_true_pairing():
    audio = _embeddings(3, 26, 32)
    right, wrong = audio[:, 10:16], audio[:, 5:11]
    speech = torch.ones(3, 26, dtype=torch.bool)
    assert window_loss(audio, right, speech, 0.1) < 0.1
    assert window_loss(audio, wrong, speech, 0.1) > 3
    assert offset_loss(audio, right, 20) < 0.1
    assert offset_loss(audio, wrong, 20) > 3


def test_the_window_loss_agrees_with_its_naive_twin():
    audio, mouth = _embeddings(2, 9, 8), _embeddings(2, 5, 8, seed=1)
    speech = torch.rand(2, 9, generator=torch.Generator().manual_seed(2)) > 0.4
    forward, backward = [], []
    for b in range(2):
        for m in range(5):
            if not speech[b, m + 2]:
                continue
            true = float(mouth[b, m] @ audio[b, m + 2]) / 0.2
            others = [
                float(mouth[b, m] @ audio[c, a]) / 0.2
                for c in range(2)
                for a in range(9)
                if c != b or a == m + 2 or abs(a - m - 2) > 2
            ]
            forward.append(torch.tensor(others).logsumexp(0) - true)
            others = [
                float(mouth[c, n] @ audio[b, m + 2]) / 0.2
                for c in range(2)
                for n in range(5)
                if c != b or n == m or abs(n - m) > 2
            ]
            backward.append(torch.tensor(others).logsumexp(0) - true)
    wanted = (torch.stack(forward).mean() + torch.stack(backward).mean()) / 2
    torch.testing.assert_close(window_loss(audio, mouth, speech, 0.2), wanted)


def test_silence_asks_for_nothing():
    audio, mouth = _embeddings(2, 9, 8), _embeddings(2, 5, 8, seed=1)
    assert window_loss(audio, mouth, torch.zeros(2, 9, dtype=torch.bool), 0.2) == 0
