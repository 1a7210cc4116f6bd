"""Named arrays from an .npz; nothing in it is ever executed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray]


def read_arrays(path: Path) -> dict[str, NDArray]:
    """Every array of a file. Raises FileNotFoundError or ValueError that names the file."""
    with _opened(path) as file:
        return {name: file[name] for name in file.files}


def array_names(path: Path) -> frozenset[str]:
    """What the arrays of a file are called. Raises as `read_arrays` does."""
    with _opened(path) as file:
        return frozenset(file.files)


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        with np.load(path, allow_pickle=False) as file:
            yield file
    except Exception as error:  # a damaged archive may raise anything
        raise ValueError(
            f"{path}: is not a readable .npz of plain arrays ({error}); write it again with "
            "numpy.savez"
        ) from None
