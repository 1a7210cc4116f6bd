"""An avatar from photos of one person, and what of it was seen and what was invented: shares, and a
picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter
from torch import Tensor
from torch.nn import functional

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Bools, Floats
from avatar.geometry.zbuffer import project
from avatar.people.eyes import eyes_of
from avatar.people.layer import LEAST, bound, most_filled
from avatar.people.masks import face_mask
from avatar.people.mouth import mouth_layer
from avatar.people.skin import SPACING_SCALP
from avatar.people.textured import iris_albedo, lash_layer
from avatar.photo.billboard import billboard_of
from avatar.photo.clothes import clothes_part
from avatar.photo.fit import Fitted, FittedPhoto
from avatar.photo.glasses import glasses_part, without_glasses
from avatar.photo.hair import hair_of_photo, hair_part, rooted, without_hair
from avatar.photo.hair_matte import with_whole_hair
from avatar.photo.project import Part, View, invented_part, sampled, well_inside
from avatar.photo.short_hair import short_hair
from avatar.photo.subject import (
    Scene,
    coloured_iris,
    eye_light,
    iris_colour,
    subject_scene,
)
from avatar.photo.surface import SIDES, Painted, paint_skin, skin_parts
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig, rasterizer
from common.atomic import write_beside
from splat import Gaussians, RawGaussians, orbit, render, rgb_to_sh

LASHES, LASH_WEIGHT = "eyelashes01", 0.8
EYES_FOLLOW, MOUTH_FOLLOWS, LASHES_FOLLOW = 0.5, 0.5, 0.3
"""Of what the photo corrects of their colours."""


@dataclass(frozen=True)
class Made:
    """An avatar, and how it came about."""

    avatar: Avatar
    fitted: Fitted
    scene: Scene
    painted: Painted
    part: Part  # all Gaussians, in the order of the avatar's


STEPS = 65
"""Equal parts of the time that it takes, about."""


def build(fitted: Fitted, seed: int = 0, done: Callable[[int], None] = lambda steps: None) -> Made:
    """The avatar of the person whom photos were fitted with.

    done: takes how many of STEPS are done further.
    """
    scene = subject_scene(with_whole_hair(fitted), np.random.default_rng(seed))
    scene, glasses = without_glasses(scene)
    done(4)
    hair = hair_of_photo(scene)
    done(11)
    if hair is None:
        scene = without_hair(scene)
    strands = [] if hair is None else [hair_part(scene, hair)]
    painted = paint_skin(scene, SIDES if hair is None else SPACING_SCALP)
    if hair is not None:
        painted = rooted(scene, painted, hair, strands[0])
    painted, short = short_hair(scene, painted, hair, *strands)
    done(22)
    parts = [*skin_parts(scene, painted), *short, *_painted_parts(scene)]
    if glasses is not None:
        parts.append(glasses_part(scene, glasses))
    whole = _fewer(scene, _dressed(scene, parts, strands))
    done(4)
    share = torch.from_numpy(whole.follows).float()
    avatar = refined(bound(whole.layer, scene.subject), scene, share, lambda: done(1))
    return Made(avatar, fitted, scene, painted, whole)


def _fewer(scene: Scene, part: Part) -> Part:
    """The Gaussians that some view shows."""
    return part[(most_filled(bound(part.layer, scene.subject)) > LEAST).numpy()]


def counted(show: Callable[[int], None]) -> Callable[[int], None]:
    """What `build` tells of its steps, shown as how many are done in all."""
    done = 0

    def further(steps: int) -> None:
        nonlocal done
        show(done := done + steps)

    return further


def _dressed(scene: Scene, parts: list[Part], strands: list[Part]) -> Part:
    """All parts as one, with clothes, hair, and what the first photo shows of all this."""
    clothes, view = clothes_part(scene), scene.views[0]
    billboard = billboard_of(scene, hairy=bool(strands))
    pieces: list[Part] = []
    if billboard is not None:
        clothes = clothes[~billboard.before(view, clothes.layer.means)]
        pieces.append(billboard.part)
    hairless = sum(len(part.layer) for part in (*parts, clothes))
    full = concatenated([*parts, clothes, *strands, *pieces])
    beyond = outside_visual_hull(bound(full.layer, scene.subject), scene.views[1:])
    return full[(np.arange(len(beyond)) < hairless) | ~beyond]


def _painted_parts(scene: Scene) -> list[Part]:
    """The library's eyes, teeth and tongue in the light of the first photo."""
    seen = scene.views[0].photo.seen
    light = eye_light(seen)
    iris = coloured_iris(iris_albedo(scene.library, scene.bust, "grey", 1.0), iris_colour(seen))
    lashes = lash_layer(scene.studio, scene.library, scene.bust, LASHES, LASH_WEIGHT)
    parts = (eyes_of(scene.studio, iris), mouth_layer(scene.studio), lashes)
    lit = [replace(part, radiance=part.radiance * light) for part in parts]
    return [
        invented_part(part, follows)
        for part, follows in zip(lit, (EYES_FOLLOW, MOUTH_FOLLOWS, LASHES_FOLLOW), strict=True)
    ]


CORRECTIONS = 24
CLOSE, SHARPER = 7, 0.06  # pixels across; by how much colours may exceed those that are there
HIDDEN = 0.3  # pixels in which a Gaussian must have a share to be changed by half
SOLID = 0.8  # opacity of the avatar from which a pixel tells its colours, not what it lacks
SPHERICAL = 0.28209479177387814  # Y00: colours per coefficient
TEETH = ("upper-teeth", "lower-teeth")
IN_SHADE, BRIGHTEST = 0.8, 0.97  # of the brightness of seen teeth, that of the brightest others
FEWEST_TEETH = 30  # Gaussians that must be seen to tell the colour of the others


def refined(avatar: Avatar, scene: Scene, share: Tensor, done: Callable[[], None]) -> Avatar:
    """The avatar with colours after the first photo; share [N] in [0, 1] of the correction that
    each Gaussian takes.

    The picture is linear in the colours, so that simultaneous algebraic reconstruction (Gilbert
    1972) needs nothing but the renderer and its gradient: each colour is corrected by the mean
    residual of the pixels that it has a share in. done: called after each of CORRECTIONS steps."""
    view = scene.views[0]
    photo = view.photo
    vertices = torch.from_numpy(view.shape.vertices[: len(avatar.vertices)]).float()
    there = avatar_rig(avatar, torch.device("cpu"))(vertices)
    target = torch.from_numpy(photo.seen.picture).float()
    with torch.no_grad():
        alpha = render(there, photo.camera, backend="cpu", with_depth=False).alpha
    inside = torch.from_numpy(well_inside(photo.seen)) & (alpha.reshape(*target.shape[:2]) > SOLID)
    mask = inside.float()[..., None]
    sh = there.sh.clone()
    limits = _limits(photo, there)

    def backprojected(sh: Tensor, residual: Callable[[Tensor], Tensor]) -> Tensor:
        """The gradient of the coefficients for a residual [H, W, 3] of what they draw."""
        sh = sh.detach().requires_grad_()
        drawn = render(replace(there, sh=sh), photo.camera, backend="cpu", with_depth=False).color
        (drawn * residual(drawn.detach())).sum().backward()
        assert sh.grad is not None
        return sh.grad

    seen = backprojected(sh, mask.expand_as) / SPHERICAL  # [N, 1, 3]
    step = share[:, None, None] / (seen + HIDDEN)
    for _ in range(CORRECTIONS):
        change = backprojected(sh, lambda drawn: (target - drawn) * mask)
        sh = (sh + step * change / SPHERICAL**2).clamp(*limits)
        done()
    teeth = torch.isin(avatar.binding, scene.subject.head.group_faces(*TEETH))
    sh[teeth] = with_hidden_teeth(there.sh[teeth], sh[teeth], seen[teeth])
    return replace(avatar, gaussians=replace(avatar.gaussians, sh=sh.detach()))


def _limits(photo: FittedPhoto, there: Gaussians) -> tuple[Tensor, Tensor]:
    """The lowest and the highest coefficients [N, 1, 3] that Gaussians may get: their own, and
    about those of the colours that the photo has close to them. Else they would make up for what
    lies before them, as lashes, and would show it once that has moved aside."""
    pixels = project(photo.camera, there.means)[0].numpy()
    picture, size = photo.seen.picture, (CLOSE, CLOSE, 1)
    lowest, highest = (
        torch.from_numpy(sampled(near(picture, size=size), pixels)).float()[:, None]
        for near in (minimum_filter, maximum_filter)
    )
    low, high = ((each - 0.5) / SPHERICAL for each in (lowest - SHARPER, highest + SHARPER))
    return torch.minimum(low, there.sh), torch.maximum(high, there.sh)


def with_hidden_teeth(before: Tensor, after: Tensor, seen: Tensor) -> Tensor:
    """Coefficients [N, 1, 3] of teeth after the correction, of which some are seen [N, 1, 3], in
    pixels: the brightest of the hidden ones become IN_SHADE times as bright as the seen ones are on
    average; unchanged where too few are seen."""
    share = seen / (seen + HIDDEN)
    if float(share.sum()) < 3 * FEWEST_TEETH:
        return after
    old, new = 0.5 + SPHERICAL * before, 0.5 + SPHERICAL * after
    shown = (share * new).sum(0) / share.sum(0)
    gain = IN_SHADE * shown / old.quantile(BRIGHTEST, dim=0)
    return (share * new + (1 - share) * gain * old - 0.5) / SPHERICAL


PERSON = 0.3  # of the matte
ASTRAY = 6  # pixels by which a head may be placed wrongly


def outside_visual_hull(avatar: Avatar, views: Sequence[View]) -> Bools:
    """Which Gaussians [N] of an avatar are outside of the visual hull (Laurentini 1994): where one
    of the photos shows nothing of the person."""
    rig = avatar_rig(avatar, torch.device("cpu"))
    beyond = np.zeros(len(avatar.binding), bool)
    for view in views:
        vertices = torch.from_numpy(view.shape.vertices[: len(avatar.vertices)]).float()
        pixels = project(view.photo.camera, rig(vertices).means)[0].numpy()
        matte = view.photo.seen.person > PERSON
        person = np.asarray(binary_dilation(matte, iterations=ASTRAY), bool)
        width, height = view.photo.seen.size
        inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
        columns, rows = pixels[inside].astype(int).T
        beyond[inside] |= ~person[rows, columns]
    return beyond


SEEN = 0.5  # weight of observation from which a Gaussian counts as seen
TINTS = {
    "seen": (0.55, 0.85, 0.6),
    "mirrored": (0.95, 0.85, 0.45),
    "invented": (0.9, 0.5, 0.55),
}
TINTED = 0.65
YAWS = (-50.0, 0.0, 50.0, 180.0)
SIZE, DISTANCE, ANGLE = 420, 1.1, 26.0  # pixels, metres, degrees
BEHIND = 0.5  # grey


def shares(made: Made) -> tuple[float, float]:
    """How much of the face's skin photos show, and how much more their other side shows."""
    skin = made.painted.skin
    face = (face_mask(skin.mm) > 0.5) & (skin.inner_mouth < 0.3) & (skin.lids < 0.3)
    weights = (made.painted.observed, made.painted.mirrored)
    seen, known = (float((weight[face] > SEEN).mean()) for weight in weights)
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
    state = np.where(part.observed > SEEN, 0, np.where(part.mirrored > SEEN, 1, 2))
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
