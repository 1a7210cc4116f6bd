"""What films of one avatar share: it is read, fitted, lit and compiled once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, load_model
from avatar.avatar_io.open_avatar import AvatarFiles, open_avatar
from avatar.drive.direction import Direction
from avatar.drive.manner import Spoken, in_manner
from avatar.drive.plans import Look
from avatar.drive.retarget import avatar_face
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import Raster, avatar_rig, rasterizer
from splat import Backend, Camera, Gaussians, orbit, pick_backend

if TYPE_CHECKING:
    from avatar.lighting.environment import Environment
    from avatar.lighting.relight import Backdrop, Lit
    from avatar.lighting.relighting import Levels


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
    background: Tensor  # [3]
    rig: Callable[[Tensor], Gaussians]  # vertices [V, 3] → world Gaussians
    raster: Raster
    light: "Lit | None" = None
    backdrop: "Backdrop | None" = None

    def gaussians(self, vertices: Tensor, camera: Camera, seconds: float = 0.0) -> Gaussians:
        """The avatar's, lit, on a moved mesh [V, 3] in world space."""
        gaussians = self.rig(vertices)
        return self.light(gaussians, vertices, camera, seconds) if self.light else gaussians

    def picture(self, gaussians: Gaussians, camera: Camera, seconds: float = 0.0) -> Tensor:
        """The picture [H, W, 3] on the CPU in [0, 1]."""
        behind = self.backdrop(camera, seconds) if self.backdrop else None
        return self.raster(gaussians, camera, behind)


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
    avatar: Avatar, backend: Backend, device: torch.device, background: tuple[float, float, float]
) -> RenderContext:
    """The context of an avatar in the light of its own colours."""
    colour = torch.tensor(background)
    rig, raster = avatar_rig(avatar, device), rasterizer(backend, colour)
    return RenderContext(avatar, backend, device, colour, rig, raster)


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
    R_world_head: Tensor | None = None,
) -> RenderContext:
    """The rig, the light and the rasterizer of an avatar, compiled and ready; R_world_head [3, 3]:
    orientation of a head that looks ahead."""
    context = render_context(avatar, backend, device, look.background)
    if look.light is not None:
        from avatar.lighting.relighting import light_behind, relit_avatar  # noqa: PLC0415  heavy

        light = relit_avatar(look.light, avatar, find_face().head, R_world_head)
        behind = light_behind(look.light, R_world_head) if look.light_behind else None
        context = replace(context, light=light, backdrop=behind)
    tiny = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    context.picture(context.gaussians(avatar.vertices, tiny), tiny)
    return context


def light_colours(
    lights: "Mapping[str, Environment]", face: Face, files: AvatarFiles
) -> "dict[str, Levels]":
    """The colours [N, 3] of an avatar's Gaussians at rest in each of --lights; face: of its
    mesh."""
    if not lights:
        return {}
    from avatar.lighting.relighting import rest_colours  # noqa: PLC0415  plain pages need no SciPy

    return rest_colours(lights, open_avatar(*files._replace(bare=True)), face.head)
