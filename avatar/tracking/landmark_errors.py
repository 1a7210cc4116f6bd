"""What the network of landmarks gets wrong for everybody, by how the head stands to the camera."""

import torch
from torch import Tensor

FEATURES = 6


def errors_from(errors: Tensor, rotation: Tensor, points_camera: Tensor) -> Tensor:
    """How far [L, 2] the network is expected to err, in metres along the picture's x and y.

    errors [L, 2, FEATURES]: metres to the head's right in the picture and up in it, by the features
    of the view; rotation [3, 3]: from head space to camera axes; points_camera [L, 3].
    """
    features = view_features(view_of(rotation, points_camera)).to(errors)
    return (errors @ features) @ upright_axes(rotation).to(errors)


def view_of(rotation: Tensor, points_camera: Tensor) -> Tensor:
    """From where a face is seen [2]: the first two of the direction to the camera in head axes."""
    towards = -rotation.T @ points_camera.mean(0).to(rotation)
    return (towards / towards.norm())[:2]


def view_features(views: Tensor) -> Tensor:
    """All products up to the second degree [..., FEATURES] of views [..., 2]."""
    across, up = views.unbind(-1)
    one = torch.ones_like(across)
    return torch.stack([one, across, up, across**2, across * up, up**2], -1)


def upright_axes(rotation: Tensor) -> Tensor:
    """The picture's directions [2, 2] to the right of and along the upright axis of a head."""
    up = rotation[:2, 1] / rotation[:2, 1].norm()
    return torch.stack([torch.stack([-up[1], up[0]]), up])
