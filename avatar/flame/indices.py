"""What FLAME's vertex numbers mean: facts of its topology, which all its versions share.

The rings of the lips and the teeth's rows are those of GaussianAvatars (flame_model/flame.py), the
corners of the eyes and the bridge of the nose are published with several trackers; the line on
which the closed lips touch, the tip of the nose and the chin were read off the numbering itself.
Rings run from the subject's left to the right, lists called `..._PAIRS` from the right (-x) to the
left (+x), as in every head of this project.
"""

VERTICES, FACES = 5023, 9976
TEETH_VERTICES, TEETH_FACES = 120, 168
SHAPES, EXPRESSIONS, POSES = 300, 100, 36
PARENTS = (-1, 0, 1, 1, 1)
"""The joints are root, neck, jaw, left eye, right eye."""
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)

LEFT_EYEBALL, RIGHT_EYEBALL = range(3931, 4477), range(4477, 5023)

LIP_OUTER_UPPER = (
    *(1713, 1715, 1716, 1735, 1696, 1694, 1657, 3543),
    *(2774, 2811, 2813, 2850, 2833, 2832, 2830),
)
LIP_OUTER_LOWER = (
    *(1576, 1577, 1773, 1774, 1795, 1802, 1865, 3503),
    *(2948, 2905, 2898, 2881, 2880, 2713, 2712),
)
"""Where skin turns to lip; the teeth are built from these two rings."""

LIP_RIM_UPPER = (
    *(1595, 1746, 1747, 1742, 1739, 1665, 1666, 3514),
    *(2783, 2782, 2854, 2857, 2862, 2861, 2731),
)
LIP_RIM_LOWER = (
    *(1572, 1573, 1860, 1862, 1830, 1835, 1852, 3497),
    *(2941, 2933, 2930, 2945, 2943, 2709, 2708),
)
LIP_RIM_CORNERS = (1594, 2730)
"""Left and right; with the two lists above, the edge at which the mesh ends within the mouth."""

LIP_PAIRS = (
    *((2839, 2717), (2835, 2716), (2836, 2891), (2863, 2890), (2855, 2892), (2784, 2928)),
    *((2785, 2937), (3533, 3509), (1668, 1848)),
    *((1667, 1826), (1740, 1789), (1748, 1787), (1719, 1788), (1718, 1580), (1722, 1581)),
)
"""Vertices of the upper and of the lower lip that touch where the closed lips meet."""

LANDMARKS = {
    "nose_tip": 3564,
    "nose_bridge": 3555,
    "chin": 3400,
    "left_eye_outer": 1142,
    "left_eye_inner": 3828,
    "right_eye_inner": 3620,
    "right_eye_outer": 2419,
    "left_mouth_corner": 1579,
    "right_mouth_corner": 2715,
    "upper_lip_middle": 3533,
    "lower_lip_middle": 3509,
    "left_ear": 243,
}
"""Points of the face by name; left is the subject's left, +x. The lips' middles are where the
closed lips meet, the ear's point is its outermost."""
