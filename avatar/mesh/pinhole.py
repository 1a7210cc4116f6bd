"""Where a pinhole camera sees points."""

from torch import Tensor
from torch.nn import functional

from splat import Camera


def project(camera: Camera, points: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels [P, 2] and depths [P] in metres of world points [P, 3]; a point that is not in front
    of the camera has a depth of 0 or less, and no meaningful pixel."""
    local = points @ camera.viewmat[:3, :3].to(points).T + camera.viewmat[:3, 3].to(points)
    depths = local[:, 2]
    return (local @ camera.K.to(points).T)[:, :2] / depths.clamp(min=1e-6)[:, None], depths


def camera_centre(camera: Camera) -> Tensor:
    """Where the camera stands [3], in the world."""
    return -camera.viewmat[:3, 3] @ camera.viewmat[:3, :3]


def towards(camera: Camera, points: Tensor) -> Tensor:
    """Unit vectors [P, 3] from world points [P, 3] to the camera."""
    return functional.normalize(camera_centre(camera).to(points) - points, dim=-1)
