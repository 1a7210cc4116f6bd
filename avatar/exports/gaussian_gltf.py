"""glTF 2.0 with KHR_gaussian_splatting: points whose attributes make them Gaussians.

Programs that do not know the extension show coloured points.
"""

import numpy as np

from avatar.exports.convention import unit_quaternions
from avatar.exports.gltf_file import VERTEX_DATA, GltfFile, linear_light
from avatar.exports.quantise import to_bytes
from splat import Gaussians, sh_to_color

EXTENSION = "KHR_gaussian_splatting"
POINTS = 0  # a primitive's mode
AS_TRAINED = {
    "kernel": "ellipse",
    "colorSpace": "srgb_rec709_display",
    "projection": "perspective",
    "sortingMethod": "cameraDistance",
}


def gaussian_gltf(gaussians: Gaussians) -> GltfFile:
    """A scene with the Gaussians alone; +y is up, as in all of glTF."""
    file, count = GltfFile(), len(gaussians.means)
    attributes = {"POSITION": file.add(gaussians.means, target=VERTEX_DATA)}
    rgb = sh_to_color(gaussians.sh[:, :1], gaussians.means).clamp(max=1).numpy()
    shown = np.concatenate([linear_light(rgb), gaussians.opacities.numpy()[:, None]], 1)
    attributes["COLOR_0"] = file.add(to_bytes(255 * shown), "|u1", VERTEX_DATA, normalised=True)
    quats_xyzw = unit_quaternions(gaussians.quats).roll(-1, 1)
    named = {"ROTATION": quats_xyzw, "SCALE": gaussians.scales, "OPACITY": gaussians.opacities}
    named |= {name: gaussians.sh[:, k] for k, name in enumerate(_names(gaussians.sh.shape[1]))}
    for name, values in named.items():
        attributes[f"{EXTENSION}:{name}"] = file.add(values.reshape(count, -1), target=VERTEX_DATA)
    primitive = {"attributes": attributes, "mode": POINTS, "extensions": {EXTENSION: AS_TRAINED}}
    file.content |= {
        "extensionsUsed": [EXTENSION],
        "meshes": [{"primitives": [primitive], "name": "head"}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    return file


def _names(count: int) -> list[str]:
    """The names of the first 1, 4, 9 or 16 coefficients of spherical harmonics."""
    places = ((degree, n) for degree in range(4) for n in range(2 * degree + 1))
    return [f"SH_DEGREE_{degree}_COEF_{n}" for degree, n in places][:count]
