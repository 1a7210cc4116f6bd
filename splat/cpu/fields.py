"""Where a projected Gaussian keeps what: the columns of the float32 array `splats` [N, FIELDS].

The exponent at pixel offset (dx, dy) from the mean is written as a square along the pixel row plus
a term of the row alone, which never gets negative by rounding:

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
LIMIT = 10  # sigma at which alpha falls to the threshold, a little enlarged
EXTENT_Y = 11  # rows further from the mean than this see nothing
COV_XX = 12
COV_XY = 13
COV_YY = 14
COMPENSATION = 15
FIELDS = 16  # one cache line

TILE = 16  # pixels
LANES = 16  # pixels that one vector operation handles
