"""Pickle files of plain data, read without running anything that they name.

Data sets of this field come as pickles, and an ordinary unpickler calls whatever a file asks it to.
This one builds dicts, lists, tuples, strings, bytes, numbers and numpy arrays of numbers, and stops
at everything else. Arrays are put together from their bytes; numpy's own unpickling is not called.
Strings of Python 2 are read as latin-1. FLAME's files also hold arrays of chumpy and sparse
matrices of scipy: both come out as numpy arrays, and neither library is called or needed.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from common import pickle_stand_ins as stand_ins
from common.errors import InputError, check_file
from common.pickle_stand_ins import Refused, StandIn

_PLAIN = (str, bytes, bool, int, float, type(None))

_KNOWN: dict[tuple[str, str], type] = (
    {
        ("numpy", "ndarray"): stand_ins.Named,
        ("numpy", "dtype"): stand_ins.DType,
        ("_codecs", "encode"): stand_ins.Encoded,
        ("__builtin__", "bytes"): stand_ins.NoBytes,
        ("chumpy.ch", "Ch"): stand_ins.Chumpy,
        ("chumpy.reordering", "Select"): stand_ins.Select,
    }
    | {
        (module, name): stand_in
        for builtins, copying in (("__builtin__", "copy_reg"), ("builtins", "copyreg"))
        for module, name, stand_in in (
            (builtins, "object", stand_ins.Named),
            (builtins, "set", stand_ins.Set),
            (copying, "_reconstructor", stand_ins.NewInstance),
        )
    }
    | {
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", stand_ins.Array),
            ("multiarray", "scalar", stand_ins.Scalar),
            ("numeric", "_frombuffer", stand_ins.Buffer),
        )
    }
    | {
        (f"scipy.sparse.{private}{form}", f"{form}_matrix"): stand_in
        for private in ("", "_")
        for form, stand_in in (
            ("csr", stand_ins.ByRow),
            ("csc", stand_ins.ByColumn),
            ("coo", stand_ins.ByEntry),
        )
    }
)


def read_pickle(path: Path) -> Any:
    """The plain data of a pickle file.

    FileNotFoundError if there is none; InputError if it is damaged or holds anything but dicts,
    lists, tuples, strings, numbers and arrays of numbers.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            return _Plain().of(_Reader(file, encoding="latin1").load())
    except Refused as error:
        raise InputError(f"{path}: {error}; only plain data is read from pickles") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(f"{path}: not a readable pickle file ({error})") from error


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> type:
        try:
            return _KNOWN[module_name, global_name]
        except KeyError:
            raise Refused(f"it asks for {module_name}.{global_name}") from None


class _Plain:
    """Plain data in place of stand-ins; what a file references many times is made once, so that a
    short file cannot cause endless work."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """Raises Refused for whatever is not plain."""
        if isinstance(value, _PLAIN):
            return value
        if id(value) not in self.made:
            self.made[id(value)] = _Unfinished
            self.made[id(value)] = self._make(value)
        made = self.made[id(value)]
        if made is _Unfinished:
            raise Refused("it holds a thing that holds itself")
        return made

    def _make(self, value: Any) -> Any:
        match value:
            case StandIn():
                plain = value.resolve(self.of)
                if isinstance(plain, np.ndarray | int | float | bool):
                    return plain
            case dict():
                return {self.of(key): self.of(item) for key, item in value.items()}
            case list():
                return [self.of(item) for item in value]
            case tuple():
                return tuple(self.of(item) for item in value)
        raise Refused(f"it holds a {type(value).__name__.lower()}")


class _Unfinished:
    """Stands for what is being made."""
