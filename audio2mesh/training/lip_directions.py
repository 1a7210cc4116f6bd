"""Directions of a model's motion in which the lips move."""

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import MM, FaceGeometry
from audio2mesh.model.speech_to_motion import SpeechToMotion

RIDGE = 1e-3  # of the lips' mean motion: what hardly moves them is no way to move them


def gentlest_ways(model: SpeechToMotion, face: FaceGeometry) -> Tensor:
    """[K, 2] coefficients that part the lips, and the mouth's corners, by a metre, and of all such
    move the lips least; the other one of both stays."""
    (upper, lower), (right, left) = face.pairs, face.corners
    gap = (model.basis[:, upper] - model.basis[:, lower])[..., 1].mean(1)
    width = (model.basis[:, left] - model.basis[:, right])[:, 0]
    openings = torch.stack([gap, width], 1).double()  # [K, 2]
    gram = lip_gram(model, face).double()
    gram = gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram)).double()
    found = torch.linalg.solve(gram, openings)
    return (found @ torch.linalg.inv(openings.T @ found)).float()


def lip_gram(model: SpeechToMotion, face: FaceGeometry) -> Tensor:
    """[K, K]"""
    lips = model.basis[:, face.lips].flatten(1)
    return lips @ lips.T / len(face.lips) * MM**2
