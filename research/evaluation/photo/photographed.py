"""How like its photos an avatar is, where it does what they show."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Bools
from avatar.geometry.zbuffer import NOTHING, project_samples, rasterize
from avatar.heads import Head
from avatar.photo.fit import FittedPhoto
from avatar.photo.project import LIDS, OUTER_LIPS, hair_mask, polygon
from research.evaluation.avatar.scores import FEWEST, Scores, ViewScores, psnr, ssim

INSIDE = 0.9  # of the matte: pixels of the person alone
HAIRY = 0.5
BEHIND = 0.5  # grey


@dataclass(frozen=True)
class Photographed:
    """One photo beside the avatar."""

    photo: Tensor  # [H, W, 3] in [0, 1], grey where the person is not
    drawn: Tensor  # [H, W, 3]
    scores: ViewScores  # of the person; regions: skin, eyes, mouth, hair, clothes


def compare(photo: FittedPhoto, vertices: Tensor, head: Head, drawn: Tensor) -> Photographed:
    """A photo and the avatar [H, W, 3] as drawn with the same vertices [V, 3] by its camera."""
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
    return Photographed(picture, shown, ViewScores(scores(person), known))


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
