"""Photos of one person become an avatar."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from avatar.mesh.records import concatenated
from avatar.photo.eyes import eye_light
from avatar.photo.fit import Fitted
from avatar.photo.hair import hair_parts
from avatar.photo.parts import Part, invented
from avatar.photo.refine import refined
from avatar.photo.relief import relief_part
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
    painted = paint_skin(scene)
    parts = [*skin_parts(scene, painted), *_painted_parts(scene), clothes_part(scene)]
    whole = _with_relief(scene, parts, hair_parts(scene))
    share = torch.from_numpy(whole.follows).float()
    avatar = refined(bound(whole.layer, scene.sitter), scene, share, lambda: None)
    return Made(avatar, fitted, scene, painted, whole)


def _with_relief(scene: Scene, parts: list[Part], hair: list[Part]) -> Part:
    """All parts as one, and what a photo shows beyond them."""
    whole = concatenated([*parts, *hair])
    is_hair = np.arange(len(whole.layer)) >= sum(len(part.layer) for part in parts)
    relief = relief_part(bound(whole.layer, scene.sitter), scene, is_hair)
    return whole if relief is None else concatenated([whole, relief])


def _painted_parts(scene: Scene) -> list[Part]:
    """Our own eyes, teeth and tongue in the light of the first photo."""
    light = eye_light(scene.views[0].photo.seen)
    parts = (eye_layer(scene.studio), mouth_layer(scene.studio))
    lit = [replace(part, radiance=part.radiance * light) for part in parts]
    return [
        invented(part, follows)
        for part, follows in zip(lit, (EYES_FOLLOW, MOUTH_FOLLOWS), strict=True)
    ]
