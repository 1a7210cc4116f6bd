"""Tables of a FlatBuffers file, read in place (flatbuffers.dev: the binary format)."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True)
class Table:
    """A table at a place of a file: its fields are found by their numbers in the schema."""

    data: bytes
    place: int

    def _at(self, field: int) -> int | None:
        """Where a field lies; None if the file leaves it at its default."""
        slots = self.place - _number(self.data, self.place, "i")
        offset = 4 + 2 * field
        if offset >= _number(self.data, slots, "H"):
            return None
        step = _number(self.data, slots + offset, "H")
        return self.place + step if step else None

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """A whole number; `kind` is struct's letter."""
        at = self._at(field)
        return default if at is None else _number(self.data, at, kind)

    def table(self, field: int) -> "Table | None":
        at = self._at(field)
        return None if at is None else Table(self.data, _follow(self.data, at))

    def tables(self, field: int) -> list["Table"]:
        at, count = self._vector(field)
        return [Table(self.data, _follow(self.data, at + 4 * k)) for k in range(count)]

    def array(self, field: int, dtype: DTypeLike) -> NDArray:
        """A vector of numbers; empty where there is none."""
        at, count = self._vector(field)
        return np.frombuffer(self.data, dtype, count, at)

    def text(self, field: int) -> str:
        return self.array(field, np.uint8).tobytes().decode()

    def _vector(self, field: int) -> tuple[int, int]:
        """Where the elements of a vector lie, and how many there are."""
        at = self._at(field)
        if at is None:
            return 0, 0
        start = _follow(self.data, at)
        return start + 4, _number(self.data, start, "I")


def root(data: bytes) -> Table:
    """The outermost table; struct.error where the bytes are no FlatBuffers file."""
    return Table(data, _follow(data, 0))


def _number(data: bytes, at: int, kind: str) -> int:
    return struct.unpack_from(f"<{kind}", data, at)[0]


def _follow(data: bytes, at: int) -> int:
    return at + _number(data, at, "I")
