"""Photos of one person become an avatar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from avatar.mesh.records import concatenated
from avatar.photo.eyes import eye_light
from avatar.photo.fit import Fitted, fit
from avatar.photo.seen import SeenPhoto
from avatar.photo.sitter import Scene, scene_of
from avatar.photo.surface import Painted, clothes_layer, paint_skin, skin_layers
from avatar.rig.avatar import Avatar
from avatar.synthetic.portrait.build import bound
from avatar.synthetic.portrait.eyes import eye_layer
from avatar.synthetic.portrait.layer import Layer
from avatar.synthetic.portrait.mouth import mouth_layer


@dataclass(frozen=True)
class Made:
    """An avatar, and how it came about."""

    avatar: Avatar
    fitted: Fitted
    scene: Scene
    painted: Painted


def build(photos: Sequence[SeenPhoto], seed: int = 0) -> Made:
    """The avatar of the person on one or more photos."""
    fitted = fit(photos)
    scene = scene_of(fitted, np.random.default_rng(seed))
    painted = paint_skin(scene)
    layers = [*skin_layers(scene, painted), *_painted_parts(scene), clothes_layer(scene)]
    return Made(bound(concatenated(layers), scene.sitter), fitted, scene, painted)


def _painted_parts(scene: Scene) -> list[Layer]:
    """Our own eyes, teeth and tongue in the light of the first photo."""
    light = eye_light(scene.views[0].photo.seen)
    parts = (eye_layer(scene.studio), mouth_layer(scene.studio))
    return [replace(part, radiance=part.radiance * light) for part in parts]
