"""What films of one avatar share: it is read, fitted, lit and compiled once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, load_model
from avatar.avatar_io.open_avatar import AvatarFiles, open_avatar
from avatar.drive.direction import Direction, Spoken, in_manner
from avatar.drive.plans import Look
from avatar.drive.retarget import avatar_face
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import Raster, avatar_rig, byte_rasterizer
from avatar.video.layers import Background, Plate, pictures_behind
from splat import Backend, Camera, Gaussians, orbit, pick_backend

if TYPE_CHECKING:
    from avatar.lighting.environment import Environment
    from avatar.lighting.relight import Backdrop, Levels, Lit

AHEAD = torch.eye(3)
"""Orientation of a head that looks along z."""
Behind = Callable[[Iterable[Camera], float], Iterator[Tensor | None]]
"""(the camera of each frame, frames a second) → the picture [H, W, 3] behind each, or None."""


@dataclass(frozen=True)
class Subject:
    """An avatar, ready to move."""

    avatar: Avatar
    face: Face
    spoken: Spoken | None  # None where no voice speaks
    backend: Backend
    device: torch.device


@dataclass(frozen=True)
class RenderContext:
    """An avatar, and the parts that turn its moved mesh into pictures."""

    avatar: Avatar
    backend: Backend
    device: torch.device
    background: Tensor | None  # [3]; None: pictures are transparent
    rig: Callable[[Tensor], Gaussians]  # vertices [V, 3] → world Gaussians
    raster: Raster  # uint8
    light: "Lit | None" = None
    behind: Behind = lambda cameras, fps: repeat(None)

    def gaussians(
        self,
        vertices: Tensor,
        camera: Camera,
        seconds: float = 0.0,
        swing: Callable[[Gaussians], Gaussians] = lambda stiff: stiff,
    ) -> Gaussians:
        """The avatar's, lit, on a moved mesh [V, 3] in world space."""
        gaussians = swing(self.rig(vertices))
        return self.light(gaussians, vertices, camera, seconds) if self.light else gaussians


def open_subject(look: Look, direction: Direction, model: SpeechToMotion | None = None) -> Subject:
    """Read and fit the avatar, and the weights of a voice unless their `model` is given, and choose
    the backend. InputError, FileNotFoundError or OSError where a file is of no use."""
    device, backend, _ = pick_backend(look.device)
    avatar = open_avatar(*look.files)
    face = avatar_face(look.files.path, avatar)
    if model is None and (direction.audio or direction.listen):
        model = load_model(direction.weights, device)
    spoken = model and in_manner(model, direction.manner, avatar)
    return Subject(avatar, face, spoken, backend, device)


def render_context(
    avatar: Avatar, backend: Backend, device: torch.device, background: Background
) -> RenderContext:
    """The context of an avatar in the light of its own colours."""
    plate = background if isinstance(background, Plate) else None
    colour = None if background is None else torch.tensor((0.0, 0, 0) if plate else background)
    rig, raster = avatar_rig(avatar, device), byte_rasterizer(backend, colour)
    context = RenderContext(avatar, backend, device, colour, rig, raster)
    return replace(context, behind=partial(pictures_behind, plate)) if plate else context


@dataclass(frozen=True)
class Loaded:
    """All that films of one avatar share."""

    subject: Subject
    context: RenderContext


def open_render_context(look: Look, subject: Subject) -> Loaded:
    """A subject, and its render context."""
    parts = subject.avatar, subject.backend, subject.device
    return Loaded(subject, lit_render_context(look, *parts, lambda: subject.face))


def lit_render_context(
    look: Look,
    avatar: Avatar,
    backend: Backend,
    device: torch.device,
    find_face: Callable[[], Face],
    R_world_head: Tensor = AHEAD,
) -> RenderContext:
    """The rig, the light and the rasterizer of an avatar, compiled and ready; R_world_head [3, 3]:
    orientation of a head that looks ahead."""
    context = render_context(avatar, backend, device, look.background)
    if look.light is not None:
        from avatar.lighting.relight import backdrop, relit_avatar  # noqa: PLC0415  heavy

        light = relit_avatar(look.light, avatar, find_face().head, R_world_head)
        context = replace(context, light=light)
        if look.light_behind:
            context = replace(context, behind=_each(backdrop(look.light, R_world_head)))
    tiny = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    context.raster(context.gaussians(avatar.vertices, tiny), tiny)
    return context


def _each(seen: "Backdrop") -> Behind:
    return lambda cameras, fps: (
        seen(camera, number / fps) for number, camera in enumerate(cameras)
    )


def light_colours(
    lights: "Mapping[str, Environment]", face: Face, files: AvatarFiles
) -> "dict[str, Levels]":
    """The colours [N, 3] of an avatar's Gaussians at rest in each of --lights; face: of its
    mesh."""
    if not lights:
        return {}
    from avatar.lighting.relight import rest_colours  # noqa: PLC0415  plain pages need no SciPy

    return rest_colours(lights, open_avatar(*files._replace(bare=True)), face.head)
