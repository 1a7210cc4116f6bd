"""The numbers of gsplat 1.5.3 that decide which pixels a Gaussian touches.

Source: gsplat 1.5.3, cuda/include/Common.h, cuda/include/Utils.cuh,
cuda/csrc/ProjectionEWA3DGSFused.cu and cuda/csrc/RasterizeToPixels3DGSFwd.cu.
"""

from typing import Literal

RasterizeMode = Literal["classic", "antialiased"]
"""antialiased scales opacity by sqrt(det(cov) / det(cov + BLUR·I)) (Mip-Splatting, section 5.2)."""

ALPHA_THRESHOLD = 1.0 / 255.0  # fainter contributions are skipped
MAX_ALPHA = 0.999  # alpha is clamped here, and has no gradient above
TRANSMITTANCE_STOP = 1e-4  # the Gaussian that would take a pixel to or below this is left out
BLUR = 0.3  # pixels^2 added to both variances of a projected Gaussian (gsplat's eps2d)
NEAR_PLANE = 0.01
FAR_PLANE = 1e10
MAX_EXTENT = 3.33  # standard deviations
FRUSTUM_MARGIN = 0.15  # of the image size: x/z and y/z are clamped beyond it in the Jacobian only
MIN_ALPHA_FOR_DEPTH = 1e-10  # expected depth = accumulated depth / max(alpha, this)

SH_C0 = 0.28209479177387814
SH_C1 = 0.4886025119029199
SH_C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
SH_C3 = (
    0.5900435899266435,
    2.890611442640554,
    0.4570457994644658,
    0.3731763325901154,
    1.445305721320277,
)
