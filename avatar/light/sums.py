"""Light from DIRECTIONS added up for one Gaussian: the loops that everything else waits for.

A row of visibility is unpacked first, so that both loops run over plain numbers, eight or sixteen
at a time.
"""

import numpy as np

from avatar.light.shadows import DIRECTIONS
from common.kernels import cached_njit

COUNT, HALF = len(DIRECTIONS), len(DIRECTIONS) // 2
STRAND = 1.25 * 4 / np.pi**2  # light of a strand that light from everywhere falls on: about 1
STRAND_WRAP = 0.25

inlined = cached_njit(fastmath=True, error_model="numpy", forceinline=True)


@inlined
def row3(values, i):  # pragma: no cover (compiled)
    """Row i of values [N, 3] as plain numbers: a view of it would cost more than the sums."""
    return values[i, 0], values[i, 1], values[i, 2]


@inlined
def unpack_row(i, rest, opened, opening, visible):  # pragma: no cover (compiled)
    """Put the visibility of Gaussian i, mixed by how far open, into `visible` [D] float32."""
    scale, sixteenth, sixteen = np.float32(1 / 15), np.float32(1 / 16), np.float32(16)
    for k in range(HALF):
        both = np.float32(rest[i, k])
        upper = np.floor(both * sixteenth)
        visible[k], visible[HALF + k] = scale * (both - sixteen * upper), scale * upper
    if opening > 0:
        stays = np.float32(1) - opening
        for k in range(HALF):
            both = np.float32(opened[i, k])
            upper = np.floor(both * sixteenth)
            low = scale * (both - sixteen * upper)
            visible[k] = stays * visible[k] + opening * low
            visible[HALF + k] = stays * visible[HALF + k] + opening * (scale * upper)


@inlined
def on_matt(n, visible, wrap, cells, towards):  # pragma: no cover (compiled)
    """Light [3] that a matt surface of normal n [3] sends back; wrap [3]: its widths; cells,
    towards [3, D]: the light."""
    dark, one = np.float32(0), np.float32(1)
    red, green, blue = dark, dark, dark
    x, y, z = n[0], n[1], n[2]
    wrap_r, wrap_g, wrap_b = wrap
    for k in range(COUNT):
        facing = x * towards[0, k] + y * towards[1, k] + z * towards[2, k]
        red += max(facing + wrap_r, dark) * (visible[k] * cells[0, k])
        green += max(facing + wrap_g, dark) * (visible[k] * cells[1, k])
        blue += max(facing + wrap_b, dark) * (visible[k] * cells[2, k])
    by_pi = np.float32(1 / np.pi)
    return (
        red * by_pi / ((one + wrap_r) * (one + wrap_r)),
        green * by_pi / ((one + wrap_g) * (one + wrap_g)),
        blue * by_pi / ((one + wrap_b) * (one + wrap_b)),
    )


@inlined
def on_strand(n, t, visible, cells, towards):  # pragma: no cover (compiled)
    """Light [3] that a strand along t [3] sends back on its side n [3]."""
    dark, one, wrap = np.float32(0), np.float32(1), np.float32(STRAND_WRAP)
    red, green, blue = dark, dark, dark
    for k in range(COUNT):
        facing = n[0] * towards[0, k] + n[1] * towards[1, k] + n[2] * towards[2, k]
        along = t[0] * towards[0, k] + t[1] * towards[1, k] + t[2] * towards[2, k]
        sine = np.sqrt(max(one - along * along, dark))
        light = sine * max(facing + wrap, dark) * visible[k]
        red += light * cells[0, k]
        green += light * cells[1, k]
        blue += light * cells[2, k]
    share = np.float32(STRAND / np.pi / (1 + STRAND_WRAP))
    return red * share, green * share, blue * share
