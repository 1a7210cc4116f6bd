"""Gaussians and cameras in, pixels out, with gradients. Knows nothing of faces or sound."""

from typing import TYPE_CHECKING

import common.threads  # noqa: F401  before torch is loaded
from common.lazy import lazy_names

if TYPE_CHECKING:
    from splat.rendering import Backend as Backend
    from splat.rendering import Drawing as Drawing
    from splat.rendering import Rendering as Rendering
    from splat.rendering import choose_backend as choose_backend
    from splat.rendering import pick_backend as pick_backend
    from splat.rendering import render as render
    from splat.rendering import render_bytes as render_bytes
    from splat.rendering import render_frames as render_frames
    from splat.rendering import why_not_gsplat as why_not_gsplat
    from splat.scene.camera import Camera as Camera
    from splat.scene.camera import look_at as look_at
    from splat.scene.camera import orbit as orbit
    from splat.scene.camera_path import CameraPath as CameraPath
    from splat.scene.camera_path import read_camera_path as read_camera_path
    from splat.scene.conventions import RasterizeMode as RasterizeMode
    from splat.scene.gaussians import Gaussians as Gaussians
    from splat.scene.gaussians import RawGaussians as RawGaussians
    from splat.scene.gaussians import activate as activate
    from splat.scene.ply import SplatPly as SplatPly
    from splat.scene.ply import read_ply as read_ply
    from splat.scene.ply import write_ply as write_ply
    from splat.scene.spherical_harmonics import rgb_to_sh as rgb_to_sh
    from splat.scene.spherical_harmonics import sh_to_rgb as sh_to_rgb
else:
    __getattr__ = lazy_names(__file__)
