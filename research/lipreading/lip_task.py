"""Learning to read lips from reels."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import chain, product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.phones import SILENCE
from audio2mesh.lipreading.decoding import (
    decode,
    edit_distance,
    log_probabilities,
    phone_trigram,
    read_in_context,
    visemes,
)
from audio2mesh.lipreading.network import BLANK, LipReadNet, Reading
from audio2mesh.training.distributed import own_part
from audio2mesh.training.trainer import Trainer
from common.errors import InputError
from research.lipreading.options import LipTrainOptions
from research.lipreading.reels import UNKNOWN, Draw, LipBatch, Reel, draw_batch, draw_measures

_SCALE_WINDOWS = 64  # windows from which the features' mean and deviation are taken
_WEIGHTS, _BONUSES = (0.0, 0.3, 0.6, 0.9), (0.0, 0.7, 1.4)  # of the trigram, tried
_SHAPE = 0.5  # weight of measuring the mouth, per millimetre
_STILL = 0.2  # weight of how a mouth is held all the time, against how it moves
_SETTLED = 60  # reels on which the trust in the trigram is settled
_CLIP = 5.0  # largest norm of the gradients


class LipTask:
    """A network and what draws the windows that it learns from."""

    def __init__(self, net: LipReadNet, draw: Draw, options: LipTrainOptions) -> None:
        self.net, self.draw, self.options = net, draw, options
        self.device = net.centre.device

    def prepare(self, step: int) -> None:
        """Windows are drawn when they are seen."""

    def losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        batch, rehearsal = self.batch(step), self.options.rehearsal
        if rehearsal <= step < rehearsal + self.options.looking:
            shape = shape_loss(self.net.measure(batch.crops), batch.shape)
            return _SHAPE * shape, {"shape": shape}
        read = self.net.read_measures(batch.shape) if step < rehearsal else self.net(batch.crops)
        terms = reading_losses(read, batch)
        return terms["ctc"] + terms["phones"] + _SHAPE * terms["shape"], terms

    def batch(self, number: int) -> LipBatch:
        """The windows of a step, of which each process draws its own: drawing takes the longest."""
        options, own = self.options, own_part(self.options.batch)
        others = (own.start,) if own.start else ()
        rng = np.random.default_rng([options.seed, 2, number, *others])
        size, frames = own.stop - own.start, options.frames
        if number < options.rehearsal:
            return draw_measures(self.draw, 2 * size, frames, rng).to(self.device)
        return draw_batch(self.draw, size, frames, rng).to(self.device)


def lip_trainer(net: LipReadNet, draw: Draw, options: LipTrainOptions) -> Trainer[LipTask]:
    """Training of a network on what is drawn."""
    return Trainer(LipTask(net, draw, options), options, clip=_CLIP)


@torch.no_grad()
def fit_feature_scale(task: LipTask) -> None:
    """Set the network's feature mean and deviation from windows of its reels."""
    net, options = task.net.eval(), task.options
    numbers = range(options.steps, options.steps + max(1, _SCALE_WINDOWS // options.batch))
    encoded = torch.cat([net.encode(task.batch(number).crops).flatten(0, 1) for number in numbers])
    net.centre.copy_(encoded.mean(0))
    net.spread.copy_(encoded.std(0).clamp_min(1e-3))


@torch.no_grad()
def fit_blank(net: LipReadNet, reels: Sequence[Reel]) -> None:
    """Lower the blank's score until phones of the reels are read best by lips alone.

    A network that is not sure which of a few phones it sees would else prefer to say nothing.
    """
    read = _read(net, reels)

    def errors(lower: float) -> int:
        fewer = torch.zeros(BLANK + 1)
        fewer[BLANK] = lower
        return sum(edit_distance(decode(log_probs - fewer), said) for log_probs, said in read)

    net.blank.bias.sub_(min((0.25 * step for step in range(25)), key=errors))


@torch.no_grad()
def fit_grammar(net: LipReadNet, sentences: Sequence[Sequence[str]], reels: Sequence[Reel]) -> None:
    """Give the network the trigram of some sentences, trusted as reads phones of the reels best."""
    net.trigram.copy_(phone_trigram(sentences))
    read, trigram = _read(net, reels[:_SETTLED]), net.trigram.cpu()

    def errors(trust: tuple[float, float]) -> int:
        found = (read_in_context(log_probs, trigram, *trust) for log_probs, _ in read)
        return sum(edit_distance(a, said) for a, (_, said) in zip(found, read, strict=True))

    net.trust.copy_(torch.tensor(min(product(_WEIGHTS, _BONUSES), key=errors)))


def _read(net: LipReadNet, reels: Sequence[Reel]) -> list[tuple[Tensor, list[str]]]:
    """Log probabilities [T, P + 1] and true phones of reels."""
    net.eval()
    return [(log_probabilities(net, _crops(net, reel)).cpu(), _spoken(reel)) for reel in reels]


def reading_losses(read: Reading, batch: LipBatch) -> dict[str, Tensor]:
    """CTC per phone, cross entropy per half frame of known phone, and millimetres of shape."""
    known = [row for row, target in enumerate(batch.targets) if len(target)]
    losses = {"ctc": read.log_probs.new_zeros(()), "phones": read.log_probs.new_zeros(())}
    losses["shape"] = shape_loss(read.shape, batch.shape)
    if known:
        targets = [batch.targets[row] for row in known]
        steps = torch.full((len(known),), read.log_probs.shape[1])
        losses["ctc"] = functional.ctc_loss(
            read.log_probs[known].transpose(0, 1),
            torch.cat(targets),
            steps,
            torch.tensor([len(target) for target in targets]),
            blank=BLANK,
            zero_infinity=True,
        )
        losses["phones"] = functional.cross_entropy(
            read.phones.flatten(0, 1), batch.labels.flatten(), ignore_index=UNKNOWN
        )
    return losses


def shape_loss(read: Tensor, true: Tensor) -> Tensor:
    """Millimetres by which measures [B, F, M] are wrong, above all those of movement: how a
    person's mouth differs from others' tells nothing."""
    error = read - true
    return (error - error.mean(1, keepdim=True)).abs().mean() + _STILL * error.abs().mean()


def lip_scores(net: LipReadNet, reels: Sequence[Reel]) -> dict[str, float]:
    """Error rates over all reels together, with two readers that know nothing for comparison.

    `phones` and `visemes`: edit distance over the number of true ones; `lips alone`: that of phones
    read without context. `constant`: the phone error rate of the best answer that is the same
    phone over and over, as often as there are phones. `shuffled`: that of what was read, held
    against the next reel. InputError without phones.
    """
    reels = [reel for reel in reels if _spoken(reel)]
    if not reels:
        raise InputError("none of the held-out clips has phones; the lip reader needs some")
    found, trigram, trust = _read(net, reels), net.trigram.cpu(), net.trust.tolist()
    true = [said for _, said in found]
    read = [read_in_context(log_probs, trigram, *trust) for log_probs, _ in found]
    alone = [decode(log_probs) for log_probs, _ in found]
    said = Counter(chain.from_iterable(true))
    commonest, total = said.most_common(1)[0][0], said.total()

    def rate(found: Sequence[Sequence[object]], wanted: Sequence[Sequence[object]]) -> float:
        return sum(edit_distance(a, b) for a, b in zip(found, wanted, strict=True)) / total

    return {
        "phones": rate(read, true),
        "visemes": rate([visemes(row) for row in read], [visemes(row) for row in true]),
        "lips alone": rate(alone, true),
        "constant": rate([[commonest] * len(row) for row in true], true),
        "shuffled": rate(read, [*true[1:], true[0]]) if len(true) > 1 else math.nan,
    }


def _crops(net: LipReadNet, reel: Reel) -> Tensor:
    """The crops [F, 88, 88] of a reel in [0, 1], where the network is."""
    return torch.from_numpy(np.array(reel.crops)).to(net.centre.device).float() / 255


def _spoken(reel: Reel) -> list[str]:
    """Phones of a reel, without silence."""
    return [phone.label for phone in reel.phones if phone.label != SILENCE]
