"""Trainings that are broken off at the worst moments."""

import signal
from pathlib import Path

import pytest
import torch

from common.network_files import read_tensors


def stop_inside_step(patch: pytest.MonkeyPatch, number: int):
    """Ctrl-C inside a step, from 1: the weights have changed, the count of the steps has not."""
    done, step = [0], torch.optim.AdamW.step

    def stopping(self, *arguments, **settings):
        result = step(self, *arguments, **settings)
        done[0] += 1
        if done[0] == number:
            signal.raise_signal(signal.SIGINT)
        return result

    patch.setattr(torch.optim.AdamW, "step", stopping)


def same_weights(one: Path, other: Path) -> bool:
    """Whether two files hold the same tensors and tell the same of them."""
    (tensors, told), (others, others_told) = read_tensors(one), read_tensors(other)
    return (
        told == others_told
        and tensors.keys() == others.keys()
        and all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())
    )
