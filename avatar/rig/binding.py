"""Bind Gaussians to triangles and carry them along when the mesh moves."""

import torch
from torch import Tensor

from avatar.mesh.rotations import matrix_to_quaternion, multiply_quaternions, quaternion_to_matrix
from avatar.rig.triangle_frames import TriangleFrames, triangle_frames
from splat import Gaussians, RawGaussians

MAX_OPACITY = 1.0 - 1e-6  # the logit of 1 is infinite


def bind(
    gaussians_world: Gaussians, binding: Tensor, vertices: Tensor, faces: Tensor
) -> RawGaussians:
    """Local Gaussians of world Gaussians bound to triangles of a mesh: the inverse of `to_world`.

    binding [N] int64 triangle indices; vertices [V, 3]; faces [M, 3]. Returns RawGaussians in the
    frames of their triangles, sizes relative to the triangle's scale.
    """
    frames = triangle_frames(vertices, faces)
    R_tri_world = frames.R_world_tri[binding].transpose(-1, -2)  # [N, 3, 3]
    scales = frames.scales[binding, None]
    offsets = gaussians_world.means - frames.origins_world[binding]
    rotations = R_tri_world @ quaternion_to_matrix(gaussians_world.quats)
    return RawGaussians(
        means=(R_tri_world @ offsets[..., None]).squeeze(-1) / scales,
        quats=matrix_to_quaternion(rotations),
        log_scales=torch.log(gaussians_world.scales / scales),
        opacity_logits=torch.logit(gaussians_world.opacities.clamp(max=MAX_OPACITY)),
        sh=gaussians_world.sh,
    )


def to_world(local: Gaussians, binding: Tensor, frames: TriangleFrames) -> Gaussians:
    """World Gaussians of activated local ones; differentiable in both arguments.

    local: means, quats and scales in triangle frames; binding [N]; frames of one mesh or of many.
    Opacities and SH coefficients stay as they are, one for all meshes: view-dependent colour is not
    turned with the face, as in GaussianAvatars.
    """
    scales = frames.scales[..., binding, None]  # [..., N, 1]
    turned = (frames.R_world_tri[..., binding, :, :] @ local.means[..., None]).squeeze(-1)
    quats_world_tri = matrix_to_quaternion(frames.R_world_tri)[..., binding, :]
    return Gaussians(
        means=torch.addcmul(frames.origins_world[..., binding, :], turned, scales),
        quats=multiply_quaternions(quats_world_tri, local.quats),
        scales=local.scales * scales,
        opacities=local.opacities,
        sh=local.sh,
    )
