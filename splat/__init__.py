"""Gaussians and cameras in, pixels out, with gradients. Knows nothing of faces or sound."""

from splat.camera import Camera as Camera
from splat.gaussians import Gaussians as Gaussians
from splat.gaussians import RawGaussians as RawGaussians
from splat.gaussians import activate as activate
