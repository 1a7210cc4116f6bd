"""Photos of one person become an avatar."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from avatar.mesh.records import concatenated
from avatar.mesh.vectors import Floats
from avatar.photo.carve import beyond_outline
from avatar.photo.curtain import curtain_of, curtain_part
from avatar.photo.eyes import eye_light
from avatar.photo.fit import Fitted
from avatar.photo.hair import Coat, coat_of, hair_parts, hair_thickness, shorn
from avatar.photo.parts import Part, invented
from avatar.photo.refine import refined
from avatar.photo.relief import relief_part, shell_seen
from avatar.photo.sitter import Scene, scene_of
from avatar.photo.surface import Painted, clothes_part, paint_skin, skin_parts
from avatar.rig.avatar import Avatar
from avatar.synthetic.portrait.build import bound
from avatar.synthetic.portrait.eyes import eye_layer
from avatar.synthetic.portrait.mouth import mouth_layer

EYES_FOLLOW, MOUTH_FOLLOWS = 0.5, 0.5  # of what the photo corrects of their colours


@dataclass(frozen=True)
class Made:
    """An avatar, and how it came about."""

    avatar: Avatar
    fitted: Fitted
    scene: Scene
    painted: Painted
    part: Part  # all Gaussians, in the order of the avatar's


def build(fitted: Fitted, seed: int = 0) -> Made:
    """The avatar of the person whom photos were fitted with."""
    scene = scene_of(fitted, np.random.default_rng(seed))
    thickness = hair_thickness(scene)
    coat = coat_of(scene, thickness)
    if coat is None:
        scene = shorn(scene)
    painted = paint_skin(scene)
    parts = [*skin_parts(scene, painted), *_painted_parts(scene), clothes_part(scene)]
    whole = _with_hair(scene, parts, thickness, coat)
    share = torch.from_numpy(whole.follows).float()
    avatar = refined(bound(whole.layer, scene.sitter), scene, share, lambda: None)
    return Made(avatar, fitted, scene, painted, whole)


def _with_hair(scene: Scene, parts: list[Part], thickness: Floats, coat: Coat | None) -> Part:
    """All parts as one, with hair, and what the first photo shows of all this."""
    view = scene.views[0]
    hair: list[Part] = [] if coat is None else hair_parts(scene, coat)
    whole = concatenated([*parts, *hair])
    is_hair = np.arange(len(whole.layer)) >= sum(len(part.layer) for part in parts)
    shell = shell_seen(bound(whole.layer, scene.sitter), view, is_hair)
    curtain = curtain_of(scene, view, thickness)
    loose = [] if curtain is None else [curtain_part(scene, view, curtain)]
    relief = relief_part(scene, shell, curtain)
    every: list[Part] = [whole, *loose, *([] if relief is None else [relief])]
    full = concatenated(every)
    beyond = beyond_outline(bound(full.layer, scene.sitter), scene.views[1:])
    skin = np.arange(len(beyond)) < sum(len(part.layer) for part in parts)
    return full[skin | ~beyond]


def _painted_parts(scene: Scene) -> list[Part]:
    """Our own eyes, teeth and tongue in the light of the first photo."""
    light = eye_light(scene.views[0].photo.seen)
    parts = (eye_layer(scene.studio), mouth_layer(scene.studio))
    lit = [replace(part, radiance=part.radiance * light) for part in parts]
    return [
        invented(part, follows)
        for part, follows in zip(lit, (EYES_FOLLOW, MOUTH_FOLLOWS), strict=True)
    ]
