"""The .splat of antimatter15's viewer: 32 bytes for each Gaussian, and nothing else.

float32 x y z; float32 scales; bytes of red, green, blue and opacity; a byte for each component of
the quaternion wxyz, 128 being 0. Colours have no direction.
"""

import numpy as np

from avatar.exports.convention import unit_quaternions
from avatar.exports.quantise import to_bytes
from splat import Gaussians, sh_to_color

ROW = np.dtype([("place", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("turn", "u1", 4)])


def dot_splat(gaussians: Gaussians) -> bytes:
    """The content of a file of Gaussians, of whose colours only degree 0 is kept."""
    rows = np.empty(len(gaussians.means), ROW)
    rows["place"], rows["scale"] = gaussians.means.numpy(), gaussians.scales.numpy()
    rgb = sh_to_color(gaussians.sh[:, :1], gaussians.means)  # the same from everywhere
    rows["rgba"][:, :3] = to_bytes(255 * rgb.numpy())
    rows["rgba"][:, 3] = to_bytes(255 * gaussians.opacities.numpy())
    rows["turn"] = to_bytes(128 * unit_quaternions(gaussians.quats).numpy() + 128)
    return rows.tobytes()
