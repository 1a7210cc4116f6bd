"""What films of one avatar share: it is read, fitted, lit and its kernels are loaded once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, load_model
from avatar.drive.lighting import film_backdrop, film_light, open_filmed
from avatar.drive.options import DriveOptions, speaks
from avatar.drive.retarget import avatar_face
from avatar.rig.avatar import Avatar
from avatar.rig.draw import Raster, avatar_rig, rasterizer
from avatar.transfer.fitted_face import Face
from common.colours import parse_colour
from splat import Backend, Gaussians, orbit, pick_backend

if TYPE_CHECKING:
    from avatar.light.backdrop import Backdrop
    from avatar.light.relight import Lit


@dataclass(frozen=True)
class Subject:
    """An avatar, ready to move."""

    avatar: Avatar
    face: Face
    model: SpeechToMotion | None  # None where no voice speaks
    backend: Backend
    device: torch.device


@dataclass(frozen=True)
class Stage:
    """A subject, and the parts that turn its moved mesh into pictures."""

    subject: Subject
    rig: Callable[[Tensor], Gaussians]  # vertices [V, 3] → world Gaussians
    light: "Lit"
    behind: "Backdrop"
    raster: Raster


def open_subject(options: DriveOptions, model: SpeechToMotion | None = None) -> Subject:
    """Read and fit the avatar, and the weights unless their `model` is given, and choose the
    backend. InputError, FileNotFoundError or OSError where a file is of no use."""
    device, backend, _ = pick_backend(options.device)
    avatar = open_filmed(options)
    face = avatar_face(options.avatar, avatar)
    if model is None and speaks(options):
        model = load_model(options.weights, device)
    return Subject(avatar, face, model, backend, device)


def set_stage(options: DriveOptions, subject: Subject) -> Stage:
    """The rig, the light and the rasterizer of a subject, compiled and ready."""
    avatar = subject.avatar
    stage = Stage(
        subject,
        rig=avatar_rig(avatar, subject.device),
        light=film_light(options, avatar, lambda: subject.face),
        behind=film_backdrop(options),
        raster=rasterizer(subject.backend, torch.tensor(parse_colour(options.background))),
    )
    tiny = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    still = avatar.vertices
    stage.raster(stage.light(stage.rig(still), still, tiny, 0.0), tiny)
    return stage
