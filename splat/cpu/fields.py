"""Where a projected Gaussian keeps what: the columns of the float32 array `splats` [N, FIELDS].

The exponent at pixel offset (dx, dy) from the mean is written as a square along the pixel row plus
a term of the row alone, which never turns positive by rounding:

    -sigma = NEG_A (dx - SHEAR dy)^2 + NEG_C dy^2

with NEG_A = -1 / (2 var(x | y)), NEG_C = -1 / (2 var(y)) and SHEAR = cov(x, y) / var(y).
"""

MEAN_X = 0  # pixels
MEAN_Y = 1
SHEAR = 2
NEG_A = 3
NEG_C = 4
OPACITY = 5  # with the antialiasing compensation
RED = 6
GREEN = 7
BLUE = 8
DEPTH = 9
EXTENT_Y = 10  # rows further from the mean than this see nothing
FIELDS = 16  # eleven, padded to one cache line

TILE = 16  # pixels
