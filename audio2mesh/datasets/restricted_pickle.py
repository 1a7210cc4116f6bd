"""Pickle files of plain data, read without running anything that they name.

Data sets of this field come as pickles, and an ordinary unpickler calls whatever a file asks it to.
This one builds dicts, lists, tuples, strings, bytes, numbers and numpy arrays of numbers, and stops
at everything else. Arrays are put together here from their bytes; numpy's own unpickling is not
called. Strings of Python 2 are read as latin-1. FLAME's files also hold arrays of chumpy and sparse
matrices of scipy: both come out as numpy arrays, and neither library is called or needed.
"""

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_PLAIN = (str, bytes, bool, int, float, type(None))
_DENSE_LIMIT = 50_000_000  # entries of a sparse matrix that is made dense
_DTYPE = re.compile(r"[|<>=]?[biuf][1248]")


def read_pickle(path: Path) -> Any:
    """The plain data of a pickle file.

    FileNotFoundError if there is none; ValueError if it is damaged or holds anything but dicts,
    lists, tuples, strings, numbers and arrays of numbers.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            return _resolve(_Reader(file, encoding="latin1").load())
    except _Refused as error:
        raise ValueError(f"{path}: {error}; only plain data is read from pickles") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise ValueError(f"{path}: not a readable pickle file ({error})") from error


class _Refused(Exception):
    """The pickle asks for something else than plain data."""


class _DType:
    """A dtype on its way: name first, byte order with the state."""

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            raise _Refused(f"it holds an array of {name!r} in place of numbers")
        self.name = name

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">", "|", "="):
            self.name = state[1] + self.name.lstrip("<>|=")

    def resolve(self) -> np.dtype:
        return np.dtype(self.name)


class _Array:
    """An array on its way; its state is (version, shape, dtype, Fortran order, bytes)."""

    def __init__(self, *_: Any) -> None:
        self.state: tuple = ()

    def __setstate__(self, state: Any) -> None:
        self.state = tuple(state)

    def resolve(self) -> np.ndarray:
        _, shape, dtype, fortran, data = self.state
        return _from_bytes(data, dtype, shape, "F" if fortran else "C")


class _Buffer:
    """An array of pickle protocol 5: (bytes, dtype, shape, order)."""

    def __init__(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        self.state = data, dtype, shape, order

    def resolve(self) -> np.ndarray:
        return _from_bytes(*self.state)


class _Scalar:
    """One number that was a numpy scalar."""

    def __init__(self, dtype: Any, data: Any) -> None:
        self.state = data, dtype

    def resolve(self) -> Any:
        return _from_bytes(*self.state, (1,), "C")[0].item()


class _Object:
    """An instance on its way, with its state as it comes."""

    def __init__(self, *_: Any) -> None:
        self.state: dict = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise _Refused(f"it holds a {type(self).__name__.strip('_').lower()} without a state")
        self.state = state

    def resolve(self) -> np.ndarray:
        raise _Refused("it holds an object")

    def array(self, name: str) -> np.ndarray:
        """A numpy array of the state."""
        value = self.state.get(name)
        array = _resolve(value) if isinstance(value, _Array | _Buffer | _Object) else None
        if not isinstance(array, np.ndarray):
            raise _Refused(f"it holds a {type(self).__name__.strip('_').lower()} without {name!r}")
        return array


class _Chumpy(_Object):
    """chumpy.Ch: its array is `x`."""

    def resolve(self) -> np.ndarray:
        return self.array("x")


class _Select(_Object):
    """chumpy.reordering.Select: entries of another array, `a`, by their numbers `idxs`."""

    def resolve(self) -> np.ndarray:
        whole, numbers = self.array("a").ravel(), self.array("idxs")
        shape = _resolve(self.state.get("preferred_shape", numbers.shape))
        return whole[numbers].reshape(shape)


class _Sparse(_Object):
    """A scipy.sparse matrix by compressed rows or columns, which comes out dense."""

    by_column = False

    def resolve(self) -> np.ndarray:
        data, inner, starts = map(self.array, ("data", "indices", "indptr"))
        shape = _shape_of(self.state)
        outer_size, inner_size = reversed(shape) if self.by_column else shape
        counts = np.diff(starts)
        fits = len(data) == len(inner) == counts.sum() and len(counts) == outer_size
        if not fits or (counts < 0).any() or np.any((inner < 0) | (inner >= inner_size)):
            raise _Refused("it holds a sparse matrix whose parts do not fit together")
        dense = np.zeros((outer_size, inner_size), data.dtype)
        np.add.at(dense, (np.repeat(np.arange(outer_size), counts), inner), data)
        return dense.T.copy() if self.by_column else dense


class _SparseByColumn(_Sparse):
    by_column = True


class _SparseByEntry(_Object):
    """scipy.sparse.coo_matrix."""

    def resolve(self) -> np.ndarray:
        data, rows, columns = map(self.array, ("data", "row", "col"))
        dense = np.zeros(_shape_of(self.state), data.dtype)
        np.add.at(dense, (rows, columns), data)
        return dense


def _shape_of(state: dict) -> tuple[int, int]:
    match state.get("_shape"):
        case (int(rows), int(columns)) if min(rows, columns) >= 0:
            if rows * columns <= _DENSE_LIMIT:
                return rows, columns
    raise _Refused(f"it holds a sparse matrix of shape {state.get('_shape')}")


class _Set:
    """A set of Python 2, which chumpy's states hold beside their array; it never comes out."""

    def __init__(self, *_: Any) -> None:
        pass


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, _DType) or order not in ("C", "F"):
        raise _Refused("it holds something that is no array of numbers")
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
    values = np.frombuffer(raw, dtype.resolve())
    if math.prod(shape) != len(values):
        raise _Refused(f"an array of shape {shape} has {len(values)} values")
    return values.reshape(shape, order=order).copy()


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in protocols of Python 2."""
    if encoding != "latin1":
        raise _Refused(f"it asks for the text encoding {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How the same protocols write bytes of length zero."""
    return b""


def _new(kind: Any, *_: Any) -> Any:
    """How protocols 0 and 1 begin an instance."""
    if not (isinstance(kind, type) and issubclass(kind, _Object)):
        raise _Refused("it asks for an instance of something that is no array")
    return kind()


_NAMED = object()  # stands for a class that is named but must not be called

_SPARSE = {
    "csr_matrix": _Sparse,
    "csc_matrix": _SparseByColumn,
    "coo_matrix": _SparseByEntry,
}

_KNOWN: dict[tuple[str, str], Any] = (
    {
        ("numpy", "ndarray"): _NAMED,
        ("numpy", "dtype"): _DType,
        ("_codecs", "encode"): _encode,
        ("__builtin__", "bytes"): _no_bytes,
        ("__builtin__", "object"): _NAMED,
        ("__builtin__", "set"): _Set,
        ("copy_reg", "_reconstructor"): _new,
        ("chumpy.ch", "Ch"): _Chumpy,
        ("chumpy.reordering", "Select"): _Select,
    }
    | {
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _Scalar),
            ("numeric", "_frombuffer", _Buffer),
        )
    }
    | {
        (f"scipy.sparse.{private}{name[:3]}", name): stand_in
        for private in ("", "_")
        for name, stand_in in _SPARSE.items()
    }
)


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Callable | object:
        try:
            return _KNOWN[module_name, global_name]
        except KeyError:
            raise _Refused(f"it asks for {module_name}.{global_name}") from None


def _resolve(value: Any) -> Any:
    """Plain data in place of the stand-ins; _Refused for whatever else came out."""
    match value:
        case _Array() | _Buffer() | _Scalar() | _Object():
            return value.resolve()
        case dict():
            return {_resolve(key): _resolve(item) for key, item in value.items()}
        case list():
            return [_resolve(item) for item in value]
        case tuple():
            return tuple(_resolve(item) for item in value)
        case _ if isinstance(value, _PLAIN):
            return value
        case _:
            raise _Refused(f"it holds a {type(value).__name__.strip('_').lower()}")
