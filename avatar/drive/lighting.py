"""The light of a film: as its options say, on an avatar of any kind."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from avatar.drive.film_options import FilmOptions
from avatar.drive.light_options import LightOptions
from avatar.files.open_avatar import open_avatar
from avatar.rig.avatar import Avatar
from avatar.transfer.fitted_face import Face
from splat import Camera, Gaussians, orbit

if TYPE_CHECKING:
    from avatar.drive.relighting import Levels
    from avatar.light.backdrop import Backdrop
    from avatar.light.relight import Lit


def open_filmed(options: FilmOptions) -> Avatar:
    """The avatar of a film; see `open_avatar`. Where it will be lit, it brings no light along."""
    given = options.avatar, options.flame, options.landmarks, options.texture
    return open_avatar(*given, bare=options.light is not None)


def film_light(
    options: LightOptions,
    avatar: Avatar,
    find_face: Callable[[], Face],
    R_world_head: Tensor | None = None,
    all_sides: bool = False,
) -> "Lit":
    """What lights the avatar's Gaussians in every frame; without --light it leaves them alone.

    R_world_head [3, 3]: how the head stands in the world when it looks ahead; all_sides: light them
    for viewers anywhere, see `relit`. Says on standard error what was assumed.
    """
    if options.light is None:
        return _as_they_are
    from avatar.drive.relighting import relit_film  # noqa: PLC0415  plain films need no SciPy

    return relit_film(options, avatar, find_face(), R_world_head, all_sides)


def baked_light(
    options: LightOptions, avatar: Avatar, find_face: Callable[[], Face]
) -> Callable[[Gaussians, Tensor, float], Gaussians]:
    """A function (Gaussians, vertices [V, 3], seconds) → the Gaussians with the light of --light in
    their colours, for programs that know none: the same from all sides."""
    light = film_light(options, avatar, find_face, all_sides=True)
    camera = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    return lambda gaussians, vertices, seconds: light(gaussians, vertices, camera, seconds)


def light_colours(
    lights: Sequence[str], face: Face, avatar: Path, *beside: Path | None
) -> "dict[str, Levels]":
    """The colours [N, 3] of an avatar's Gaussians at rest in each of --lights.

    avatar, beside: its file and the others that `open_avatar` takes; face: of its mesh.
    """
    if not lights:
        return {}
    from avatar.drive.relighting import rest_colours  # noqa: PLC0415  plain pages need no SciPy

    return rest_colours(lights, open_avatar(avatar, *beside, bare=True), face)


def film_backdrop(options: FilmOptions, R_world_head: Tensor | None = None) -> "Backdrop":
    """What stands behind the head in every frame; nothing unless --light-background asks for it.

    R_world_head [3, 3]: see `film_light`.
    """
    if options.light is None or not options.light_background:
        return lambda camera, seconds: None
    from avatar.drive.relighting import lit_backdrop  # noqa: PLC0415  as above

    return lit_backdrop(options, R_world_head)


def _as_they_are(gaussians: Gaussians, _: Tensor, __: Camera, ___: float) -> Gaussians:
    return gaussians
