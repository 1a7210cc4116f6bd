"""Landmarks that the network finds on a speaking avatar from the side, against its mesh."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Floats
from avatar.geometry.zbuffer import project, towards
from avatar.tracking.landmarks import SKIN, landmark_model
from avatar.tracking.model import FaceModel, face_model
from avatar.vision.follow import FaceFinder, faces_in_picture
from avatar.vision.landmarks import LEFT_CORNER, RIGHT_CORNER
from research.evaluation.figures import correlation
from splat import Camera

FACING = 0.3  # cosine between normal and view from which a landmark is seen
LIPS = (13, 14)  # landmarks in the middle of the upper and the lower lip, inside
FOUND, TRUE = (0.15, 0.45, 1.0), (0.15, 0.85, 0.3)  # dots in a picture
DOT = 1  # pixels around its middle


@dataclass(frozen=True)
class Turned:
    """Figures of one side. Errors are shares of the distance between the outer corners of the
    eyes, as far apart as a camera in front would see them."""

    yaw_deg: float
    found: float  # share of the frames in which a face is found
    error: float | None  # median over frames of the mean over landmarks; None without a face
    error_p95: float | None
    gap_correlation: float | None  # between the lips' gap by landmarks and that of the mesh


@dataclass(frozen=True)
class Look:
    """One picture of the avatar, and what is found in it."""

    picture: Tensor  # [H, W, 3] in [0, 1]
    true: Tensor  # [L, 2] pixels: the mesh's landmarks that face the camera
    found: Tensor | None  # [L, 2] the same by the network; None without a face
    eyes: float  # pixels between the outer corners of the eyes
    gap: float | None  # pixels between the lips that were found

    @property
    def error(self) -> float | None:
        """The mean distance between true and found ones, as a share of the eyes'."""
        if self.found is None:
            return None
        return float((self.true - self.found).norm(dim=1).mean()) / self.eyes


@dataclass(frozen=True)
class Landmarks:
    """The landmarks of a posed mesh."""

    index: Tensor  # [L] among the 478
    points: Tensor  # [L, 3] world
    normals: Tensor  # [L, 3]


def landmarks_on(vertices: Tensor, model: FaceModel) -> Landmarks:
    """Where the skin's landmarks are on a mesh [V, 3] of anny-head."""
    posed = landmark_model(replace(model, mean=vertices))
    skin = posed.index < SKIN
    return Landmarks(posed.index[skin], posed.points.mean[skin], posed.normals[skin])


def still_model() -> FaceModel:
    """The face model without anything that moves it."""
    model = face_model()
    return replace(model, units=model.units[:0], modes=model.modes[:0])


def look(
    finder: FaceFinder, picture: Tensor, mesh: Tensor, model: FaceModel, camera: Camera
) -> Look:
    """What is found in a picture [H, W, 3] of a mesh [V, 3]; model: `still_model()`."""
    landmarks = landmarks_on(mesh, model)
    pixels, depths = project(camera, landmarks.points)
    facing = (landmarks.normals * towards(camera, landmarks.points)).sum(1) > FACING
    corners = [int((landmarks.index == k).nonzero()) for k in (RIGHT_CORNER, LEFT_CORNER)]
    apart = (landmarks.points[corners[0]] - landmarks.points[corners[1]]).norm()
    faces = faces_in_picture(finder, picture.to(finder.landmarks.device))
    points = faces.points[0, :, :2].cpu() if len(faces.points) else None
    return Look(
        picture=picture,
        true=pixels[facing],
        found=None if points is None else points[landmarks.index[facing]],
        eyes=float(apart * camera.K[0, 0] / depths[corners].mean()),
        gap=None if points is None else float((points[LIPS[0]] - points[LIPS[1]]).norm()),
    )


def turned(yaw: float, looks: Sequence[Look], gaps: Floats) -> Turned:
    """The figures of one side; gaps [F]: between the lips of the meshes."""
    errors = [each.error for each in looks if each.error is not None]
    pairs = [(each.gap, gap) for each, gap in zip(looks, gaps, strict=True) if each.gap is not None]
    return Turned(
        yaw_deg=yaw,
        found=len(errors) / len(looks),
        error=float(np.median(errors)) if errors else None,
        error_p95=float(np.percentile(errors, 95)) if errors else None,
        gap_correlation=correlation(pairs),
    )


def dotted(seen: Look) -> Tensor:
    """A picture with its landmarks."""
    picture = seen.picture.clone()
    for points, colour in ((seen.true, TRUE), (seen.found, FOUND)):
        if points is None:
            continue
        for column, row in points.round().long().tolist():
            rows = slice(max(0, row - DOT), max(0, row + DOT))
            columns = slice(max(0, column - DOT), max(0, column + DOT))
            picture[rows, columns] = torch.tensor(colour)
    return picture
