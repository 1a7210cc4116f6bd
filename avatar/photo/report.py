"""What of an avatar was seen on the photos, and what was invented: shares, and a picture."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
from torch.nn import functional

from avatar.mesh.vectors import MM, Floats
from avatar.photo.build import Made
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig, rasterizer
from avatar.synthetic.shared.masks import face_mask
from common.atomic import write_beside
from splat import RawGaussians, orbit, rgb_to_sh

SEEN = 0.5  # told by so much counts as seen
TINTS = {"seen": (0.55, 0.85, 0.6), "mirrored": (0.95, 0.85, 0.45), "invented": (0.9, 0.5, 0.55)}
TINTED = 0.65
YAWS = (-50.0, 0.0, 50.0, 180.0)
SIZE, DISTANCE, ANGLE = 420, 1.1, 26.0  # pixels, metres, degrees
BEHIND = 0.5  # grey


def shares(made: Made) -> tuple[float, float]:
    """How much of the face's skin photos show, and how much more their other side shows."""
    skin = made.painted.skin
    face = (face_mask(skin.mm) > 0.5) & (skin.inner_mouth < 0.3) & (skin.lids < 0.3)
    seen, known = (
        float((told[face] > SEEN).mean()) for told in (made.painted.told, made.painted.mirrored)
    )
    return seen, known - seen


def seen_sheet(made: Made, out: Path) -> None:
    """Write a picture: the photo, the avatar from it, and from four sides what was seen (green),
    mirrored (yellow) and invented (red)."""
    tinted = replace(made.avatar, gaussians=_tinted(made))
    first = made.fitted.photos[0]
    tiles = [_fitting(first.seen.picture)]
    tiles += [_seen_from(made.avatar, 0.0)]
    tiles += [_seen_from(tinted, yaw) for yaw in YAWS]
    levels = (np.clip(np.concatenate(tiles, axis=1), 0, 1) * 255).round().astype(np.uint8)
    with write_beside(out) as partial:
        imageio.imwrite(partial, levels, extension=".png")


def _tinted(made: Made) -> RawGaussians:
    part = made.part
    state = np.where(part.told > SEEN, 0, np.where(part.mirrored > SEEN, 1, 2))
    tints = np.array(list(TINTS.values()))[state]
    sh = made.avatar.gaussians.sh
    colour = torch.from_numpy(tints).float()[:, None]
    mixed = torch.lerp(sh, rgb_to_sh(colour), TINTED)
    return replace(made.avatar.gaussians, sh=mixed)


def _seen_from(avatar: Avatar, yaw: float) -> Floats:
    draw = rasterizer("cpu", torch.full((3,), BEHIND))
    rig = avatar_rig(avatar, torch.device("cpu"))
    centre = avatar.vertices.mean(0) - torch.tensor([0.0, 30 * MM, 0.0])
    camera = orbit(centre, DISTANCE, yaw, 0.0, ANGLE, width=SIZE, height=SIZE)
    return draw(rig(avatar.vertices), camera).numpy()


def _fitting(picture: Floats) -> Floats:
    """A picture as high as a tile."""
    width = round(picture.shape[1] * SIZE / picture.shape[0])
    image = torch.from_numpy(picture).permute(2, 0, 1)[None]
    small = functional.interpolate(image, (SIZE, width), mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).numpy()
