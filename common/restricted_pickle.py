"""Pickle files of plain data, read without running anything that they name.

Data sets of this field come as pickles, and an ordinary unpickler calls whatever a file asks it to.
This one builds dicts, lists, tuples, strings, bytes, numbers and numpy arrays of numbers, and stops
at everything else. Arrays are put together from their bytes; numpy's own unpickling is not called.
Strings of Python 2 are read as latin-1. FLAME's files also hold arrays of chumpy and sparse
matrices of scipy: both come out as numpy arrays, and chumpy is not needed.
"""

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError, check_file

DENSE_LIMIT = 50_000_000
"""Entries of a sparse matrix that is made dense."""
_DTYPE = re.compile(r"[|<>=]?[biuf][1248]")
_PLAIN = (str, bytes, bool, int, float, type(None))
_UNFINISHED = object()
"""Stands for what is being made."""


class Refused(Exception):
    """The pickle asks for something else than plain data."""


def read_pickle(path: Path) -> Any:
    """The plain data of a pickle file.

    FileNotFoundError if there is none; InputError if it is damaged or holds anything but dicts,
    lists, tuples, strings, numbers and arrays of numbers.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            return _plain(_Reader(file, encoding="latin1").load(), {})
    except Refused as error:
        raise InputError(f"{path}: {error}; only plain data is read from pickles") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(f"{path}: not a readable pickle file ({error})") from error


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _KNOWN[module_name.replace("numpy._core", "numpy.core"), global_name]
        except KeyError:
            raise Refused(f"it asks for {module_name}.{global_name}") from None


def _plain(value: Any, made: dict[int, Any]) -> Any:
    """Plain data in place of stand-ins; what a file references many times is made once, so that a
    short file cannot cause endless work. Raises Refused for whatever is not plain."""
    if isinstance(value, _PLAIN):
        return value
    if id(value) not in made:
        made[id(value)] = _UNFINISHED
        match value:
            case dict():
                plain = {_plain(key, made): _plain(item, made) for key, item in value.items()}
            case list() | tuple():
                plain = type(value)(_plain(item, made) for item in value)
            case _:
                plain = _array(value)
        made[id(value)] = plain
    if made[id(value)] is _UNFINISHED:
        raise Refused("it holds a thing that holds itself")
    return made[id(value)]


class _Function:
    """What a file can call and nothing else: it makes plain data, or what stands for it."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise Refused("it sets what it may not")


class _DType:
    """A dtype: name first, byte order with the state."""

    __slots__ = ("name",)

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            raise Refused(f"it holds an array of {name!r} in place of numbers")
        self.name = name

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">", "|", "="):
            self.name = state[1] + self.name.lstrip("<>|=")


class _Instance:
    """An array of some kind, made of the state that it comes with. A file can give an instance its
    state, and change nothing else of it or of its class."""

    __slots__ = ("array",)
    read: Callable[[Any], np.ndarray]

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.array = type(self).read(state)


def _instance(read: Callable[[Any], np.ndarray]) -> type[_Instance]:
    return type("_Instance", (_Instance,), {"__slots__": (), "read": staticmethod(read)})


def _array(value: Any) -> np.ndarray:
    array = getattr(value, "array", None) if isinstance(value, _Instance) else value
    if not isinstance(array, np.ndarray):
        raise Refused(f"it holds a {type(value).__name__.strip('_').lower()}")
    return array


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, _DType) or order not in ("C", "F"):
        raise Refused("it holds something that is no array of numbers")
    raw = data.encode("latin1") if isinstance(data, str) else memoryview(data)
    values = np.frombuffer(raw, np.dtype(dtype.name))
    if math.prod(shape) != len(values):
        raise Refused(f"an array of shape {shape} has {len(values)} values")
    return values.reshape(shape, order=order).copy()


def _numpys(state: Any) -> np.ndarray:
    _, shape, dtype, fortran, data = state
    return _from_bytes(data, dtype, shape, "F" if fortran else "C")


def _selected(state: Any) -> np.ndarray:
    whole, numbers = _array(state["a"]), _array(state["idxs"])
    return whole.ravel()[numbers].reshape(state.get("preferred_shape", numbers.shape))


def _dense(form: str) -> Callable[[Any], np.ndarray]:
    """The reader of a sparse matrix of scipy in one of its forms."""

    def read(state: Any) -> np.ndarray:
        from scipy import sparse  # noqa: PLC0415  few pickles hold such a matrix

        rows, columns = shape = state["_shape"]
        if not 0 <= rows * columns <= DENSE_LIMIT:
            raise Refused(f"it holds a sparse matrix of shape {shape}")
        names = ("row", "col") if form == "coo" else ("indices", "indptr")
        places = state.get("coords") or [state[name] for name in names]
        parts = [_array(part) for part in (state["data"], *places)]
        content = (parts[0], parts[1:]) if form == "coo" else tuple(parts)
        matrix = getattr(sparse, f"{form}_matrix")(content, shape)
        if form != "coo":  # which is checked as it is made
            matrix.check_format(full_check=True)
        if matrix.nnz != len(parts[0]):
            raise Refused("it holds a sparse matrix whose parts do not fit together")
        return np.ascontiguousarray(matrix.toarray())

    return read


def _encoded(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in protocols of Python 2."""
    if encoding != "latin1":
        raise Refused(f"it asks for the text encoding {encoding!r}")
    return text.encode("latin1")


def _new_instance(kind: Any, *_: Any) -> _Instance:
    """How protocols 0 and 1 begin an instance."""
    if not (isinstance(kind, type) and issubclass(kind, _Instance)):
        raise Refused("it asks for an instance of something that is no array")
    return kind()


def _nothing(*_: Any) -> None:
    raise Refused("it makes something else than arrays")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Function(_nothing),  # it is named, but never made
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _instance(_numpys),
    ("numpy.core.multiarray", "scalar"): _Function(
        lambda dtype, data: _from_bytes(data, dtype, (1,), "C")[0].item()
    ),
    ("numpy.core.numeric", "_frombuffer"): _Function(_from_bytes),
    ("_codecs", "encode"): _Function(_encoded),
    ("__builtin__", "bytes"): _Function(lambda: b""),  # the same for no bytes
    ("chumpy.ch", "Ch"): _instance(lambda state: _array(state["x"])),
    ("chumpy.reordering", "Select"): _instance(_selected),
}
for _builtins, _copying in (("__builtin__", "copy_reg"), ("builtins", "copyreg")):
    _KNOWN[_builtins, "object"] = _Function(_nothing)
    _KNOWN[_builtins, "set"] = _Function(set)  # chumpy's states hold some; they never come out
    _KNOWN[_copying, "_reconstructor"] = _Function(_new_instance)
for _form in ("csr", "csc", "coo"):
    _matrix = _instance(_dense(_form))
    _KNOWN |= {(f"scipy.sparse.{of}{_form}", f"{_form}_matrix"): _matrix for of in ("", "_")}
