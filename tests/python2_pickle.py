"""Pickles as Python 2 wrote them (protocol 2), put together opcode by opcode.

They name chumpy and scipy as FLAME's own files do, so neither is needed to make them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Object:
    """An instance of a class that need not exist, with its state."""

    module: str
    name: str
    state: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """What reading the pickle would call with one argument."""

    module: str
    name: str
    argument: Any


def chumpy(array: np.ndarray) -> Object:
    """What chumpy.Ch(array) leaves in a pickle."""
    return Object("chumpy.ch", "Ch", {"x": array, "_dirty_vars": set(), "_itr": None})


def sparse(matrix: np.ndarray, module: str = "scipy.sparse.csc") -> Object:
    """A dense matrix as scipy.sparse.csc_matrix."""
    columns, rows = np.nonzero(matrix.T)
    counts = np.bincount(columns, minlength=matrix.shape[1])
    state = {
        "_shape": matrix.shape,
        "data": matrix[rows, columns],
        "indices": rows.astype(np.int32),
        "indptr": np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        "maxprint": 50,
        "format": "csc",
    }
    return Object(module, "csc_matrix", state)


def dump(value: Any) -> bytes:
    return b"\x80\x02" + _encode(value) + b"."


def _encode(value: Any) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + value.to_bytes(4, "little", signed=True)
        case str():
            return _text(value.encode("latin1"))
        case bytes():
            return _text(value)
        case tuple():
            return b"(" + b"".join(map(_encode, value)) + b"t"
        case list():
            return b"](" + b"".join(map(_encode, value)) + b"e"
        case set():
            return b"c__builtin__\nset\n" + _encode(list(value)) + b"\x85R"
        case dict():
            items = b"".join(_encode(k) + _encode(v) for k, v in value.items())
            return b"}(" + items + b"u"
        case np.ndarray():
            return _array(value)
        case Call():
            named = f"c{value.module}\n{value.name}\n".encode()
            return named + _encode(value.argument) + b"\x85R"
        case Object():
            named = f"c{value.module}\n{value.name}\n".encode()
            return named + b")\x81" + _encode(value.state) + b"b"
        case _:
            raise TypeError(type(value))


def _text(data: bytes) -> bytes:
    if len(data) < 256:
        return b"U" + bytes([len(data)]) + data
    return b"T" + len(data).to_bytes(4, "little") + data


def _array(array: np.ndarray) -> bytes:
    order = "<" if array.dtype.itemsize > 1 else "|"
    name = array.dtype.str[1:]
    flags = b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
    dtype = b"cnumpy\ndtype\n" + _text(name.encode()) + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + _text(order.encode()) + b"NNN" + flags + b"tb"
    fortran = array.ndim > 1 and array.flags.f_contiguous
    data = array.tobytes("F" if fortran else "C")
    state = b"(K\x01" + _encode(array.shape) + dtype + _encode(fortran) + _text(data) + b"tb"
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return empty + state
