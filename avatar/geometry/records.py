"""Records of several arrays whose rows belong together."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Ints

T = TypeVar("T")


def concatenated(parts: Sequence[T]) -> T:
    """All rows of several records of one class: arrays, tensors, or records of these."""
    first: Any = parts[0]
    if is_dataclass(first):
        kind: Callable[..., T] = type(parts[0])
        columns = ([getattr(part, field.name) for part in parts] for field in fields(first))
        return kind(*map(concatenated, columns))
    join: Any = torch.cat if isinstance(first, Tensor) else np.concatenate
    return join(parts)


def mapped(record: T, change: Callable[[Any], Any]) -> T:
    """The record with every array changed, also in records within it."""
    if not is_dataclass(record):
        return change(record)
    kind: Callable[..., T] = type(record)
    return kind(*(mapped(getattr(record, field.name), change) for field in fields(record)))


def stacked(faces: Sequence[Ints], counts: Sequence[int]) -> Ints:
    """Triangles [M, 3] of several meshes side by side, whose numbers of vertices are `counts`."""
    firsts = np.cumsum([0, *counts[:-1]])
    return np.concatenate([part + first for part, first in zip(faces, firsts, strict=True)])
