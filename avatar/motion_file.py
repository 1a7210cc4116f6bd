"""Save the motion that drives a head, a frame at a time, as an .npz of any length."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.output import plain_words
from splat import write_beside

Frame = NDArray[np.float32]  # [V, 3]


@contextmanager
def motion_writer(
    path: Path, frames: int, vertices: int, arrays: Mapping[str, NDArray]
) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that appends the offsets [V, 3] of one frame, in metres.

    The file holds `arrays` and `offsets` [F, V, 3] float32 and appears only once all `frames` are
    written, so that memory does not grow with the recording.
    """
    written = 0

    def append(frame: Frame) -> None:
        nonlocal written
        assert frame.shape == (vertices, 3), frame.shape
        with plain_words(path):
            member.write(np.ascontiguousarray(frame, dtype="<f4").tobytes())
        written += 1

    with write_beside(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in arrays.items():
            buffer = BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
            archive.writestr(f"{name}.npy", buffer.getvalue())
        with archive.open("offsets.npy", "w", force_zip64=True) as member:
            shape = (frames, vertices, 3)
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, header)
            yield append
        assert written == frames, (written, frames)
