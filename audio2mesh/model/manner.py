"""A person's own way of speaking: small changes of a decoder's weights, learned from their film.

A matrix changes by the product of two thin ones (LoRA, arXiv 2106.09685), a vector by any other,
which with the bias before the blocks is a style vector too. Merged into the weights they cost
nothing in use. They belong to the very weights that they were learned with.
"""

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from audio2mesh.model.speech_to_motion import SpeechToMotion
from common.atomic import write_beside
from common.errors import InputError, check_file

FORMAT = "voicesplat-manner-1"
PER_STYLE = ("style.", "habits.")  # parameters with a row for each style of the weights
NOT_CHANGED = "near"  # distance biases of the attention
DOWN, UP = "down", "up"  # a matrix changes by up [rows, R] @ down [R, columns]
DIGEST_BYTES = 12
HABITS, LARGEST_HABIT = ("head", "blinks"), 4.0  # and the largest factor that is believed

Changes = Mapping[str, Tensor]
"""<parameter> of a vector, <parameter>.down and <parameter>.up of a matrix."""


Habits = Mapping[str, float]
"""Factors, by the names in HABITS, of what else a face does while it speaks."""


@dataclass(frozen=True)
class Manner:
    """How a person speaks."""

    changes: Changes
    weights: str  # digest of the weights that are changed
    learnt: str  # from what, in words
    habits: Habits = field(default_factory=dict)


def changed(model: SpeechToMotion, changes: Changes) -> dict[str, Tensor]:
    """The parameters of the model's decoder with changes; differentiable in these."""
    found = {}
    for name, value in model.decoder.named_parameters():
        value = value.detach()
        if name in changes:
            value = value + changes[name]
        elif f"{name}.{UP}" in changes:
            product = changes[f"{name}.{UP}"] @ changes[f"{name}.{DOWN}"]
            value = value + product.view_as(value)
        found[name] = value
    return found


def no_changes(model: SpeechToMotion, rank: int, seed: int) -> dict[str, Tensor]:
    """Changes of that rank, to begin learning from, that change nothing yet."""
    chance, found = torch.Generator().manual_seed(seed), {}
    for name, value in model.decoder.named_parameters():
        if name.startswith(PER_STYLE) or name.endswith(NOT_CHANGED):
            continue
        if value.ndim < 2:
            found[name] = torch.zeros_like(value)
            continue
        rows, columns = value.flatten(1).shape
        thin = torch.randn(min(rank, rows, columns), columns, generator=chance) / columns**0.5
        found[f"{name}.{DOWN}"] = thin.to(value)
        found[f"{name}.{UP}"] = torch.zeros(rows, len(thin)).to(value)
    return found


def with_manner(model: SpeechToMotion, manner: Manner) -> SpeechToMotion:
    """The model whose neutral style speaks in that manner; itself it stays as it is.

    InputError where the manner was learned with other weights, or does not fit these.
    """
    if manner.weights != weights_digest(model):
        raise InputError(
            "its manner of speaking was learned with other speech-to-motion weights; learn it "
            "again, or name those with --weights"
        )
    found, given = deepcopy(model), {n: c.to(model.basis) for n, c in manner.changes.items()}
    try:
        found.decoder.load_state_dict(changed(model, given), strict=False)
    except (LookupError, RuntimeError) as error:
        raise InputError(f"its manner of speaking is damaged ({_in_line(error)})") from error
    return found


def weights_digest(model: SpeechToMotion) -> str:
    """A digest of all that the weights' file holds of the model, wherever it lies."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name, value in sorted(model.state_dict().items()):
        half = value.half() if value.is_floating_point() else value
        digest.update(f"{name}{tuple(half.shape)}".encode())
        digest.update(half.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def manner_bytes(manner: Manner) -> bytes:
    """The content of a manner's file, safetensors in half precision: about 60 kB."""
    halves = {name: change.half().cpu().contiguous() for name, change in manner.changes.items()}
    return save(
        halves, {FORMAT: json.dumps([manner.weights, manner.learnt, dict(manner.habits)])}
    )  # one: no order


def manner_of(content: bytes, place: str) -> Manner:
    """What `manner_bytes` made. InputError that names the place where it is none."""
    try:
        length = int.from_bytes(content[:8], "little")
        facts = json.loads(content[8 : 8 + length])["__metadata__"]
        weights, learnt, habits = json.loads(facts[FORMAT])
        changes = {name: change.float() for name, change in load(content).items()}
        if not all(change.isfinite().all() for change in changes.values()):
            raise ValueError("a number is not finite")
        if not all(name in HABITS and 0 <= habits[name] <= LARGEST_HABIT for name in habits):
            raise ValueError("its habits are none")
        return Manner(changes, weights, learnt, habits)
    except (LookupError, TypeError, ValueError, SafetensorError) as error:
        why = _in_line(error)
        raise InputError(f"{place}: holds no manner of speaking of this version ({why})") from error


def load_manner(path: Path) -> Manner:
    """A manner from a file of its own. FileNotFoundError or InputError where there is none."""
    check_file(path, "manner of speaking")
    return manner_of(path.read_bytes(), str(path))


def save_manner(manner: Manner, path: Path) -> None:
    """Write a manner; the file appears whole or not at all."""
    with write_beside(path) as partial:
        partial.write_bytes(manner_bytes(manner))


def _in_line(error: Exception) -> str:
    return " ".join(str(error).split())
