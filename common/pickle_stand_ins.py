"""What stands for the classes and functions that a pickle of arrays names.

An unpickler calls what it is given, builds instances and sets their states; all that a file can
reach are the classes here. They keep what they are given and check it when it is wanted; nothing a
file does changes them (no attributes can be set, on classes or on instances).
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

DENSE_LIMIT = 50_000_000
"""Entries of a sparse matrix that is made dense."""
_DTYPE = re.compile(r"[|<>=]?[biuf][1248]")
Resolve = Callable[[Any], Any]


class Refused(Exception):
    """The pickle asks for something else than plain data."""


class _Fixed(type):
    def __setattr__(cls, name: str, value: Any) -> None:
        raise Refused("it sets what it may not")


class StandIn(metaclass=_Fixed):
    """Something on its way: the arguments of its making, or the state it got afterwards."""

    __slots__ = ("state",)
    title = "an object"

    def __init__(self, *arguments: Any) -> None:
        self.state: Any = arguments

    def __setstate__(self, state: Any) -> None:
        raise Refused("it sets a state that is none")

    def resolve(self, resolve: Resolve) -> Any:
        """The plain data meant; `resolve` does the same for what the state holds."""
        raise Refused(f"it holds {self.title}")


class Named(StandIn):
    """A class that is named but never made."""

    def __init__(self, *_: Any) -> None:
        raise Refused("it makes something else than arrays")


class DType(StandIn):
    """A dtype: name first, byte order with the state."""

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            raise Refused(f"it holds an array of {name!r} in place of numbers")
        self.state = name

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">", "|", "="):
            self.state = state[1] + self.state.lstrip("<>|=")


class Array(StandIn):
    """numpy's array; its state is (version, shape, dtype, Fortran order, bytes)."""

    def __setstate__(self, state: Any) -> None:
        self.state = tuple(state)

    def resolve(self, resolve: Resolve) -> np.ndarray:
        _, shape, dtype, fortran, data = self.state
        return _from_bytes(data, dtype, shape, "F" if fortran else "C")


class Buffer(StandIn):
    """An array of pickle protocol 5: (bytes, dtype, shape, order)."""

    def resolve(self, resolve: Resolve) -> np.ndarray:
        return _from_bytes(*self.state)


class Scalar(StandIn):
    """One number that was a numpy scalar: (dtype, bytes)."""

    def resolve(self, resolve: Resolve) -> Any:
        dtype, data = self.state
        return _from_bytes(data, dtype, (1,), "C")[0].item()


class Instance(StandIn):
    """An instance of a Python class, with the state that it comes with."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise Refused(f"it holds {self.title} without a state")
        self.state = state

    def array(self, name: str, resolve: Resolve) -> np.ndarray:
        """A numpy array of the state."""
        value = self.state.get(name) if isinstance(self.state, dict) else None
        array = resolve(value) if isinstance(value, StandIn) else None
        if not isinstance(array, np.ndarray):
            raise Refused(f"it holds {self.title} without {name!r}")
        return array


class Chumpy(Instance):
    """chumpy.Ch: its array is `x`."""

    title = "an array of chumpy"

    def resolve(self, resolve: Resolve) -> np.ndarray:
        return self.array("x", resolve)


class Select(Instance):
    """chumpy.reordering.Select: entries of another array, `a`, by their numbers `idxs`."""

    title = "an array of chumpy"

    def resolve(self, resolve: Resolve) -> np.ndarray:
        whole, numbers = (self.array(name, resolve) for name in ("a", "idxs"))
        shape = resolve(self.state.get("preferred_shape", numbers.shape))
        return whole.ravel()[numbers].reshape(shape)


class ByRow(Instance):
    """A sparse matrix of scipy by compressed rows; it comes out dense."""

    title = "a sparse matrix"

    def resolve(self, resolve: Resolve) -> np.ndarray:
        return self.dense(*_shape_of(self.state), resolve)

    def dense(self, outer: int, inner: int, resolve: Resolve) -> np.ndarray:
        data, places, starts = (self.array(n, resolve) for n in ("data", "indices", "indptr"))
        counts = np.diff(starts)
        if len(counts) != outer or (counts < 0).any():
            raise Refused("it holds a sparse matrix whose parts do not fit together")
        return _dense(np.repeat(np.arange(outer), counts), places, data, (outer, inner))


class ByColumn(ByRow):
    """The same by compressed columns."""

    def resolve(self, resolve: Resolve) -> np.ndarray:
        rows, columns = _shape_of(self.state)
        return self.dense(columns, rows, resolve).T.copy()


class ByEntry(Instance):
    """scipy's matrix of single entries."""

    title = "a sparse matrix"

    def resolve(self, resolve: Resolve) -> np.ndarray:
        if "coords" in self.state:  # scipy 1.13 and later
            data = self.array("data", resolve)
            rows, columns = resolve(self.state["coords"])
        else:
            data, rows, columns = (self.array(n, resolve) for n in ("data", "row", "col"))
        return _dense(rows, columns, data, _shape_of(self.state))


class Set(StandIn):
    """A set of Python 2, which chumpy's states hold beside their array; it never comes out."""

    title = "a set"


class Encoded(metaclass=_Fixed):
    """A function, how Python 3 writes bytes in protocols of Python 2: (text, encoding)."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding != "latin1":
            raise Refused(f"it asks for the text encoding {encoding!r}")
        return text.encode("latin1")


class NoBytes(metaclass=_Fixed):
    """A function, how the same protocols write bytes of length zero."""

    def __new__(cls) -> Any:
        return b""


class NewInstance(metaclass=_Fixed):
    """A function, how protocols 0 and 1 begin an instance: (class, object, None)."""

    def __new__(cls, kind: Any, *_: Any) -> Any:
        if not (isinstance(kind, type) and issubclass(kind, Instance)):
            raise Refused("it asks for an instance of something that is no array")
        return kind()


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, DType) or order not in ("C", "F"):
        raise Refused("it holds something that is no array of numbers")
    raw = data.encode("latin1") if isinstance(data, str) else memoryview(data)
    values = np.frombuffer(raw, np.dtype(dtype.state))
    if math.prod(shape) != len(values):
        raise Refused(f"an array of shape {shape} has {len(values)} values")
    return values.reshape(shape, order=order).copy()


def _shape_of(state: dict) -> tuple[int, int]:
    match state.get("_shape"):
        case (int(rows), int(columns)) if min(rows, columns) >= 0:
            if rows * columns <= DENSE_LIMIT:
                return rows, columns
    raise Refused(f"it holds a sparse matrix of shape {state.get('_shape')}")


def _dense(
    rows: np.ndarray, columns: np.ndarray, data: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    within = all(
        np.all((places >= 0) & (places < size))
        for places, size in zip((rows, columns), shape, strict=True)
    )
    if not within or not rows.shape == columns.shape == data.shape:
        raise Refused("it holds a sparse matrix whose parts do not fit together")
    dense = np.zeros(shape, data.dtype)
    np.add.at(dense, (rows, columns), data)
    return dense
