"""Numbers rounded to few bits, as the compressed formats of Gaussians have them."""

import numpy as np
from numpy.typing import NDArray

from avatar.mesh.vectors import Floats

Bytes = NDArray[np.uint8]

LEVELS = 256  # of a byte


def to_bytes(values: Floats) -> Bytes:
    """The nearest whole numbers from 0 to 255."""
    return np.clip(np.round(values), 0, LEVELS - 1).astype(np.uint8)


def largest_left_out(quats: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Unit quaternions [N, 4] by three numbers: which component is the largest [N], and the others
    [N, 3] in their order, of the quaternion or its opposite, in which the largest is positive."""
    largest = np.abs(quats).argmax(1)
    rows = np.arange(len(quats))
    signed = quats * np.where(quats[rows, largest] < 0, -1.0, 1.0)[:, None]
    others = np.array([[k for k in range(4) if k != left_out] for left_out in range(4)])
    return largest, np.take_along_axis(signed, others[largest], axis=1)


def codebook(values: Floats) -> tuple[Floats, Bytes]:
    """256 rising numbers that stand for values of any shape, and which of them stands for each:
    Lloyd's quantiser (IEEE Trans. Inf. Theory 28, 1982), begun half from quantiles and half from
    even steps, so that rare values are not far off either."""
    flat, half = values.astype(np.float64).ravel(), LEVELS // 2
    crowded = np.quantile(flat, (np.arange(half) + 0.5) / half)
    book = np.sort(np.concatenate([crowded, np.linspace(flat.min(), flat.max(), half)]))
    for _ in range(10):
        nearest = _nearest(book, flat)
        counts = np.bincount(nearest, minlength=LEVELS)
        sums = np.bincount(nearest, weights=flat, minlength=LEVELS)
        book = np.sort(np.where(counts > 0, sums / np.maximum(counts, 1), book))
    return book, _nearest(book, flat).astype(np.uint8).reshape(values.shape)


def _nearest(book: Floats, flat: Floats) -> NDArray[np.intp]:
    return np.searchsorted((book[1:] + book[:-1]) / 2, flat)


def palette(vectors: Floats, size: int) -> tuple[Floats, NDArray[np.intp]]:
    """At most `size` vectors [P, D] that stand for many [N, D], and which stands for each [N].

    Median cut (Heckbert, SIGGRAPH 1982): halves along the widest dimension, until there are enough
    parts; where there are no more vectors than `size` they stand for themselves.
    """
    if len(vectors) <= size:
        return vectors, np.arange(len(vectors))
    parts = [np.arange(len(vectors))]
    while len(parts) * 2 <= size:
        parts = [half for part in parts for half in _halves(vectors, part)]
    labels = np.empty(len(vectors), np.intp)
    for number, part in enumerate(parts):
        labels[part] = number
    return np.stack([vectors[part].mean(0) for part in parts]), labels


def _halves(vectors: Floats, part: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The rows of a part, cut in two at the median of its widest dimension."""
    if len(part) < 2:
        return [part]
    inside = vectors[part]
    widest = int(np.ptp(inside, axis=0).argmax())
    order = part[np.argsort(inside[:, widest], kind="stable")]
    return [order[: len(order) // 2], order[len(order) // 2 :]]
