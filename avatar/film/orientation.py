"""How a film's pictures are to be turned: phones film in one way and write down the other."""

import numpy as np
from numpy.typing import NDArray

Matrix = tuple[int, int, int, int]
"""a, b, c, d: a pixel's column p and row q are shown at column a p + c q and row b p + d q."""

UPRIGHT: Matrix = (1, 0, 0, 1)


def display_matrix(data: bytes) -> Matrix:
    """The signs of a display matrix (ISO/IEC 14496-12, tkhd); of angles the nearest right one."""
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        return 0, int(np.sign(b)), int(np.sign(c)), 0
    return int(np.sign(a)) or 1, 0, 0, int(np.sign(d)) or 1


def turns_on_its_side(matrix: Matrix) -> bool:
    """Whether width and height change places."""
    return matrix[0] == 0


def turned(picture: NDArray[np.uint8], matrix: Matrix) -> NDArray[np.uint8]:
    """A picture [H, W, …] as it is to be shown."""
    a, b, c, d = matrix
    if turns_on_its_side(matrix):
        picture = picture.swapaxes(0, 1)
    across, down = (c, b) if turns_on_its_side(matrix) else (a, d)
    return np.ascontiguousarray(picture[:: down or 1, :: across or 1])
