"""How like pictures an avatar of photos is: its own photos, and, of a synthetic person, other
pictures of the same frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.similarity import Similarity, fit_similarity
from avatar.geometry.vectors import Bools
from avatar.geometry.zbuffer import NOTHING, camera_centre, project_samples, rasterize
from avatar.heads import Head
from avatar.photo.fit import FittedPhoto
from avatar.photo.project import LIDS, OUTER_LIPS, hair_mask, polygon
from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import composite, read_labels, read_picture
from avatar.reconstruct.capture_reader import open_capture
from common.errors import InputError
from research.evaluation.avatar.scores import FEWEST, SOLID, Scores, ViewScores, psnr, ssim
from research.evaluation.figures import iou
from research.evaluation.sheet import GAIN, Row
from research.evaluation.tracking.measures import face_vertices
from splat import Camera

INSIDE = 0.9  # of the matte: pixels of the person alone
HAIRY, HALF = 0.5, 0.5  # of mattes and of opacity
BEHIND = 0.5  # grey
ANGLES = (0.0, 15.0, 30.0, 45.0, 60.0)  # degrees to either side
NEAR = 7.5  # degrees from an angle up to which a view counts there
LEVEL = 12.0  # degrees up or down from the photo's camera up to which a view is level


@dataclass(frozen=True)
class Photographed:
    """One photo beside the avatar."""

    photo: Tensor  # [H, W, 3] in [0, 1], grey where the person is not
    drawn: Tensor  # [H, W, 3]
    scores: ViewScores  # of the person; regions: skin, eyes, mouth, hair, clothes
    outline: float  # intersection over union of the person and the avatar


def compare(
    photo: FittedPhoto, vertices: Tensor, head: Head, drawn: Tensor, opacity: Tensor
) -> Photographed:
    """A photo and the avatar [H, W, 3] and [H, W] as drawn with the same vertices [V, 3] by its
    camera."""
    person = torch.from_numpy(photo.seen.person > INSIDE)
    picture, shown = (
        torch.where(person[..., None], each.float(), BEHIND)
        for each in (torch.from_numpy(photo.seen.picture), drawn)
    )
    _, local = ssim(shown, picture)

    def scores(where: Tensor) -> Scores:
        return Scores(psnr(shown, picture, where), float(local[where].mean()), None)

    masks = {
        name: torch.from_numpy(mask) & person
        for name, mask in regions(photo, vertices, head).items()
    }
    known = {name: scores(mask) for name, mask in masks.items() if int(mask.sum()) >= FEWEST}
    outline = iou((opacity > HALF).numpy(), photo.seen.person > HALF)
    return Photographed(picture, shown, ViewScores(scores(person), known), outline)


def beside(photos: Sequence[Photographed]) -> Row:
    """Every photo, the avatar as it shows it, and their difference."""
    row = Row("photo and avatar", [])
    for each in photos:
        row.tiles.append(("photo", each.photo))
        row.tiles.append((f"{each.scores.whole.psnr:.1f} dB", each.drawn))
        row.tiles.append((f"{GAIN} x difference", GAIN * (each.photo - each.drawn).abs()))
    return row


def regions(photo: FittedPhoto, vertices: Tensor, head: Head) -> dict[str, Bools]:
    """Masks [H, W] of what a photo shows: eyes and mouth within their landmarks, hair by its matte,
    skin where the head's mesh [V, 3] is, and clothes, which are the rest."""
    seen = photo.seen
    width, height = seen.size
    corners = project_samples(photo.camera, vertices.double().numpy())
    covered = rasterize(corners, head.faces.numpy(), height, width).faces != NOTHING
    left: Bools = np.ones((height, width), bool)
    masks: dict[str, Bools] = {}
    for name, mask in (
        ("eyes", polygon(seen, LIDS[0]) | polygon(seen, LIDS[1])),
        ("mouth", polygon(seen, OUTER_LIPS)),
        ("hair", hair_mask(seen) > HAIRY),
        ("skin", covered),
        ("clothes", left),
    ):
        masks[name] = mask & left
        left = left & ~mask
    return masks


@dataclass(frozen=True)
class TrueView:
    """One picture of the truth, and its camera in the avatar's world."""

    view: View
    camera: Camera
    yaw_deg: float  # from the photo's camera to the person's left


@dataclass(frozen=True)
class Likeness:
    """What differs between a drawn picture and the truth."""

    yaw_deg: float
    person: float  # PSNR in dB, of the true mask
    head: float  # the same of skin, hair, eyes and mouth
    ssim: float  # of the person
    outline: float  # intersection over union of true and drawn


@dataclass(frozen=True)
class AtAngle:
    """Means over the views near an angle, on both sides."""

    angle_deg: float
    person: float
    head: float
    ssim: float
    outline: float
    views: int


def true_views(picture: Path, vertices: Tensor, head: Head) -> list[TrueView]:
    """All pictures of a capture of the same frame as one of them, from its height, from left to
    right.

    vertices [V, 3]: the avatar's as that picture shows them; a similarity of the faces aligns them
    to the true ones. Raises FileNotFoundError or InputError with one sentence.
    """
    folder = picture.parent.parent
    capture = open_capture(folder)
    if capture.topology != head.topology:
        raise InputError(f"{folder}: is a capture of {capture.topology}, not of {head.topology}")
    views = [view for split in capture.splits.values() for view in split]
    there = [view for view in views if view.image.is_file() and picture.is_file()]
    own = next((view for view in there if view.image.samefile(picture)), None)
    if own is None:
        raise InputError(
            f"{picture}: is no picture of the capture {folder}; name one of its images"
        )
    face, true = face_vertices(head), capture.vertices[own.timestep].double().numpy()
    to_true = fit_similarity(vertices.double().numpy()[face], true[face])
    reference = in_avatar_space(own.camera, to_true)
    middle = vertices.mean(0)
    found = []
    for view in (each for each in views if each.timestep == own.timestep):
        camera = in_avatar_space(view.camera, to_true)
        yaw, pitch = (_angles(camera, middle) - _angles(reference, middle)).tolist()
        if abs(pitch) < LEVEL:
            found.append(TrueView(view, camera, yaw))
    return sorted(found, key=lambda each: each.yaw_deg)


def in_avatar_space(camera: Camera, to_true: Similarity) -> Camera:
    """A camera of the true world in the avatar's, which a similarity maps to it."""
    viewmat = camera.viewmat.double().numpy().copy()
    shift = viewmat[:3, :3] @ to_true.translation + viewmat[:3, 3]
    viewmat[:3, :3] = viewmat[:3, :3] @ to_true.rotation
    viewmat[:3, 3] = shift / to_true.scale
    moved = torch.from_numpy(viewmat).to(camera.viewmat)
    return Camera(moved, camera.K, camera.width, camera.height)


def _angles(camera: Camera, middle: Tensor) -> np.ndarray:
    """Degrees [2] around the head and up, of a camera's position."""
    x, y, z = (camera_centre(camera) - middle).tolist()
    return np.degrees([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))])


def compare_with_truth(
    true: TrueView, drawn: Tensor, opacity: Tensor, background: Tensor
) -> tuple[Likeness, Tensor]:
    """The figures of a picture [H, W, 3] drawn by the camera of a true view on a background [3],
    of some opacity [H, W], and the true picture on it."""
    picture = read_picture(true.view)
    shown = composite(picture, background)
    person = torch.from_numpy(picture.mask > SOLID)
    labelled = read_labels(true.view) > 0 if true.view.labels else person
    _, local = ssim(drawn, shown)
    likeness = Likeness(
        yaw_deg=true.yaw_deg,
        person=psnr(drawn, shown, person),
        head=psnr(drawn, shown, person & labelled),
        ssim=float(local[person].mean()),
        outline=iou((opacity > HALF).numpy(), picture.mask > 255 * HALF),
    )
    return likeness, shown


def by_angle(likenesses: Sequence[Likeness]) -> list[AtAngle]:
    """Means at those of ANGLES that have a view."""
    rows = []
    for angle in ANGLES:
        near = [each for each in likenesses if abs(abs(each.yaw_deg) - angle) < NEAR]
        if near:
            means = (
                float(np.mean([getattr(each, name) for each in near]))
                for name in ("person", "head", "ssim", "outline")
            )
            rows.append(AtAngle(angle, *means, views=len(near)))
    return rows
