"""Pictures at half their size, which show the large before the small."""

from dataclasses import replace

from torch import Tensor
from torch.nn import functional

from splat import Camera

SMALLEST = 64  # pixels; pictures are not halved below this


def halved(camera: Camera, picture: Tensor) -> tuple[Camera, Tensor]:
    """A camera and its picture [H, W, 3] at half their size, unless that is too small."""
    if min(picture.shape[:2]) < 2 * SMALLEST:
        return camera, picture
    planes = functional.avg_pool2d(picture.permute(2, 0, 1), 2)
    small = planes.permute(1, 2, 0).contiguous()
    K = camera.K.clone()
    K[:2] /= 2
    return replace(camera, K=K, width=small.shape[1], height=small.shape[0]), small
