"""Made-up reels whose pictures, and measures, tell their phones at a glance, and a person with
default paint and articulation."""

import numpy as np
import torch

from audio2mesh.data.phones import Phone
from audio2mesh.lipreading.network import MEASURES
from avatar.heads import Head
from research.corpus.articulation import ARKIT_NAMES, load_dominance
from research.lipreading.people import PLAIN, Person
from research.lipreading.reels import Draw, Reel

SEEN = ("SIL", "AA", "M", "UW")
"""Phones of the reels; each one brightens another quarter of the picture."""


def bright_reel(phones: int, seed: int, per_phone: float = 0.16) -> Reel:
    """A reel of random phones of `SEEN`, no two alike in a row."""
    rng = np.random.default_rng(seed)
    labels, said = [0], []
    for _ in range(phones):
        labels.append(int(rng.choice([k for k in range(len(SEEN)) if k != labels[-1]])))
    frames = round(len(labels) * per_phone * 25)
    shape = np.zeros((frames, MEASURES), np.float32)
    crops = rng.integers(90, 110, (frames, 88, 88)).astype(np.uint8)
    for place, label in enumerate(labels):
        said.append(Phone(SEEN[label], place * per_phone, (place + 1) * per_phone))
        low, high = round(place * per_phone * 25), round((place + 1) * per_phone * 25)
        rows = slice(44 * (label // 2), 44 * (label // 2) + 44)
        columns = slice(20, 68) if label % 2 else slice(34, 54)  # survives a mirror
        crops[low:high, rows, columns] += 100
        shape[low:high, label] = 5.0
    return Reel(crops, shape, tuple(said))


def bright_windows() -> Draw:
    """Draws a new such reel each time, cut to so many frames."""

    def draw(rng: np.random.Generator, frames: int, seen: bool) -> Reel:
        reel = bright_reel(1 + frames // 4, int(rng.integers(1 << 30)))
        crops = reel.crops[:frames] if seen else np.empty((frames, 0, 0), np.uint8)
        return Reel(crops, reel.shape[:frames], reel.phones)

    return draw


def plain_person(head: Head) -> Person:
    count = len(ARKIT_NAMES)
    return Person(head, PLAIN, load_dominance(), torch.zeros(count), torch.ones(count))
