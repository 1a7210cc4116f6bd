"""Contrastive losses on embeddings of sound and mouth.

Segments hold A = M + 2 E audio windows around M mouth windows: mouth window m belongs to audio
window m + E. Negatives are all other windows of the batch: other times of the same recording and
other recordings.
"""

import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.sync.offsets import distance

_TOO_CLOSE = 2  # windows this near in time are neither right nor wrong


def window_loss(audio: Tensor, mouth: Tensor, speech: Tensor, temperature: float) -> Tensor:
    """InfoNCE both ways, each window against every other of the batch.

    audio [B, A, D], mouth [B, M, D], speech [B, A] bool: windows without speech are never asked
    for, they only serve as wrong answers.
    """
    edge = (audio.shape[1] - mouth.shape[1]) // 2
    scores = mouth.flatten(0, 1) @ audio.flatten(0, 1).T / temperature  # [B M, B A]
    scores = scores.masked_fill(_doubtful(audio, mouth, edge), -torch.inf)
    batch, count = mouth.shape[:2]
    at = torch.arange(max(batch, count), device=audio.device)
    rows = at[:batch, None] * audio.shape[1] + edge + at[:count]
    answer = rows.flatten()  # [B M] the audio window of each mouth window
    asked = speech.flatten()[answer]
    if not asked.any():
        return scores.new_zeros(())
    forward = functional.cross_entropy(scores[asked], answer[asked])
    own = scores[:, answer]  # [B M, B M]
    backward = functional.cross_entropy(own.T[asked], asked.nonzero().squeeze(1))
    return (forward + backward) / 2


def _doubtful(audio: Tensor, mouth: Tensor, edge: int) -> Tensor:
    """Pairs [B M, B A] of one segment that are almost simultaneous."""
    segment = torch.arange(len(mouth), device=mouth.device)
    mouth_time = torch.arange(mouth.shape[1], device=mouth.device)
    audio_time = torch.arange(audio.shape[1], device=mouth.device) - edge
    same = (segment[:, None] == segment)[:, None, :, None]
    apart = (mouth_time[:, None] - audio_time).abs()[None, :, None, :]
    close = same & (apart > 0) & (apart <= _TOO_CLOSE)
    return close.reshape(mouth.shape[0] * mouth.shape[1], -1)


def offset_loss(audio: Tensor, mouth: Tensor, sharpness: float) -> Tensor:
    """Cross-entropy of finding offset 0 among the 2 E + 1 by the mean distance of a segment."""
    mean = segment_distances(audio, mouth)  # [B, 2 E + 1]
    target = torch.full((len(mean),), mean.shape[1] // 2, device=mean.device)
    return functional.cross_entropy(-sharpness * mean, target)


def segment_distances(audio: Tensor, mouth: Tensor) -> Tensor:
    """Mean distance [.., A - M + 1] of mouth [.., M, D] from audio [.., A, D], by offset."""
    similarity = mouth @ audio.transpose(-1, -2)  # [.., M, A]
    count, offsets = mouth.shape[-2], audio.shape[-2] - mouth.shape[-2] + 1
    rows = torch.arange(count, device=mouth.device)[:, None]
    shifted = rows + torch.arange(offsets, device=mouth.device)
    diagonal = similarity[..., rows, shifted]  # [.., M, offsets]
    return distance(diagonal).mean(-2)
