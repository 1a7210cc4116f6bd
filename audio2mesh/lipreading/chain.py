"""Made-up speech: phones that follow each other as in real speech, but say nothing.

A lip reader that saw only a few hundred sentences would learn to guess the rest of them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from audio2mesh.data.phones import SILENCE, Phone
from common.errors import InputError

Value = TypeVar("Value")


@dataclass(frozen=True)
class PhoneChain:
    """Which phones follow each phone, as often as they do, and how long each lasts."""

    following: Mapping[str, Sequence[str]]
    seconds: Mapping[str, Sequence[float]]


def phone_chain(recordings: Sequence[Sequence[Phone]]) -> PhoneChain:
    """What recordings have of pairs and lengths. InputError where they have no silence."""
    following, seconds = defaultdict(list), defaultdict(list)
    for phones in recordings:
        labels = [SILENCE, *(phone.label for phone in phones), SILENCE]
        for label, after in pairwise(labels):
            if not label == after == SILENCE:
                following[label].append(after)
        for phone in phones:
            seconds[phone.label].append(phone.end - phone.start)
    if SILENCE not in seconds:
        raise InputError("the recordings' phones have no silence between them")
    return PhoneChain(dict(following), dict(seconds))


def babble(chain: PhoneChain, seconds: float, rng: np.random.Generator) -> tuple[Phone, ...]:
    """Phones from silence to silence that last at least so long."""
    phones = [Phone(SILENCE, 0.0, _drawn(chain.seconds[SILENCE], rng))]
    while phones[-1].end < seconds or phones[-1].label != SILENCE:
        label = str(_drawn(chain.following[phones[-1].label], rng))
        start = phones[-1].end
        phones.append(Phone(label, start, start + _drawn(chain.seconds[label], rng)))
    return tuple(phones)


def _drawn(values: Sequence[Value], rng: np.random.Generator) -> Value:
    return values[int(rng.integers(len(values)))]
