"""Where a projected Gaussian keeps what: the columns of the float32 array `splats` [N, FIELDS].

Its alpha at the pixel offset (dx, dy) from the mean is ALPHA_THRESHOLD · exp(power), and counts
where the power is not negative:

    power = LEVEL - (NARROW (dx - SHEAR dy))² - (FALL dy)²

with LEVEL = ln(opacity / ALPHA_THRESHOLD), NARROW² = 1 / (2 var(x | y)), FALL² = 1 / (2 var(y)) and
SHEAR = cov(x, y) / var(y).
"""

MEAN_X = 0  # pixels
MEAN_Y = 1
SHEAR = 2
NARROW = 3
FALL = 4
LEVEL = 5  # of the opacity with the antialiasing compensation
RED = 6
GREEN = 7
BLUE = 8
DEPTH = 9
EAST = 10  # dy of the point with power 0 that lies furthest to the right
OPACITY = 11  # with the antialiasing compensation
USED = 12
FIELDS = 16  # padded to one cache line

TILE = 16  # pixels
