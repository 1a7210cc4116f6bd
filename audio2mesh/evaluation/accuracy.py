"""Distances between predicted and true motion of one recording."""

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion

_CHUNK = 256  # frames whose vertices are in memory at once


def lip_vertex_error(predicted: Motion, true: Motion, face: FaceGeometry) -> float:
    """LVE in mm²: mean over frames of the largest squared distance of a lip vertex.

    As CodeTalker's cal_metric.py computes it (it prints squared units of the data set).
    """
    error = predicted.offsets(face.lips) - true.offsets(face.lips)
    return float(error.square().sum(-1).amax(-1).mean() * 1e6)


def mean_vertex_error(predicted: Motion, true: Motion) -> float:
    """MVE in mm: mean over frames and all vertices of the distance, as ScanTalk's."""
    pairs = zip(predicted.coefficients.split(_CHUNK), true.coefficients.split(_CHUNK), strict=True)
    total = sum(
        float(
            (Motion(a, predicted.basis).offsets() - Motion(b, true.basis).offsets())
            .norm(dim=-1)
            .sum()
        )
        for a, b in pairs
    )
    return total / (len(true.coefficients) * true.basis.shape[1]) * 1e3


def upper_face_dynamics_deviation(predicted: Motion, true: Motion, face: FaceGeometry) -> float:
    """FDD in mm², signed: positive when the true upper face moves more.

    Mean over the upper face's vertices of the standard deviation over time of the squared offset
    from rest, true minus predicted, as CodeTalker's cal_metric.py. NaN without an upper face.
    """
    return float((_dynamics(true, face) - _dynamics(predicted, face)).mean() * 1e6)


def _dynamics(motion: Motion, face: FaceGeometry) -> Tensor:
    squared = motion.offsets(face.upper_face).square().sum(-1)  # [F, u]
    return squared.std(0, correction=0)


def lip_acceleration(motion: Motion, face: FaceGeometry, fps: float) -> float:
    """Mean over frames and lip vertices of the length of the acceleration, m/s²."""
    second = motion.offsets(face.lips).diff(n=2, dim=0)
    return float(second.norm(dim=-1).mean() * fps**2)


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's r of two curves [F]; NaN where one of them is constant."""
    a, b = a.double() - a.double().mean(), b.double() - b.double().mean()
    sizes = (a.norm() * b.norm()).item()
    return float(torch.dot(a, b)) / sizes if sizes > 1e-12 else float("nan")
