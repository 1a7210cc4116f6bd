"""The lip-reading loss between the student's mouth and the teacher's.

One minus the mean cosine between frozen lip-reading features of both, as SPECTRE (Filntisis et
al., arXiv 2207.11094) and Learn2Talk (arXiv 2404.12888) have it. Only a few short stretches of a
batch are rendered, as rendering is slow.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.lipreading.network import LipReadNet, features
from audio2mesh.model.motion import Motion
from audio2mesh.training.losses import Batch, Critic
from research.lipreading.render import MouthRenderer


@dataclass(frozen=True)
class Stretch:
    """Some frames of one window of a batch."""

    true: Motion  # [f, ..]
    clip: str
    times: Tensor  # [f] seconds of the recording


Teacher = Callable[[Stretch], Tensor | None]
"""A stretch → the teacher's grey crops [f, 88, 88] in [0, 1]; None where it has none."""


def lipreading_critic(
    net: LipReadNet,
    render: MouthRenderer,
    rest: Tensor,
    teacher: Teacher,
    stretches: int = 2,
    frames: int = 25,
) -> Critic:
    """The lip-reading loss of motion about the rest face `rest` [V, 3], at 25 frames a second.

    The stretches follow from the batch alone, so that a repeated or resumed run sees the same ones.
    So many `stretches` of a batch, of `frames` each and from different windows, are rendered and
    read. Where the teacher has crops of none of them the loss is 0.
    """

    def critic(batch: Batch) -> Tensor:
        losses = []
        for row, part in _stretches(batch, frames):
            with torch.no_grad():
                true = Motion(batch.true.coefficients[row, part], batch.true.basis)
                taught = teacher(Stretch(true, batch.clips[row], batch.times[row, part]))
            if taught is not None:
                predicted = Motion(batch.predicted.coefficients[row, part], batch.predicted.basis)
                crops = render(rest + predicted.offsets())
                losses.append(lipreading_loss(net, crops, taught.to(crops)))
            if len(losses) == stretches:
                break
        if not losses:
            return 0 * batch.predicted.coefficients.sum()
        return torch.stack(losses).mean()

    return critic


def lipreading_loss(net: LipReadNet, crops: Tensor, taught: Tensor) -> Tensor:
    """One minus the mean cosine of the features of two mouths [f, 88, 88]; in [0, 2]."""
    with torch.no_grad():
        wanted = features(net, taught[None])
    return 1 - functional.cosine_similarity(features(net, crops[None]), wanted, dim=-1).mean()


def truth_teacher(render: MouthRenderer, rest: Tensor) -> Teacher:
    """The true motion, rendered as the student's is: the best that a teacher could be."""
    return lambda stretch: render(rest + stretch.true.offsets())


def _stretches(batch: Batch, frames: int) -> Iterator[tuple[int, slice]]:
    """Row and frames of one stretch of each window, in an order and at positions that follow from
    the batch."""
    seed_text = f"{batch.clips} {batch.times[:, 0].tolist()}"
    rng = np.random.default_rng(zlib.crc32(seed_text.encode()))
    count = batch.times.shape[1]
    for row in rng.permutation(len(batch.clips)).tolist():
        start = int(rng.integers(max(1, count - frames + 1)))
        yield row, slice(start, min(count, start + frames))
