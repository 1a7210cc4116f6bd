"""The motion of a face by a voice, or by a recorded take."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, hear, load_model
from audio2mesh.pose_vae.fit import load_pose_net
from audio2mesh.prosody.listener import prosody_of_file
from audio2mesh.prosody.record import FRAMES_PER_SECOND, Prosody
from avatar.avatar_io.live_link import Take, read_take, sample_take
from avatar.avatar_io.motion_file import SavedMotion, open_motion
from avatar.behaviour.blinks import unit_offsets
from avatar.behaviour.performance import Life, live, still
from avatar.behaviour.speech_events import silence
from avatar.drive.direction import SHIPPED, Direction, Spoken, in_manner
from avatar.drive.emotion import style_with_emotion, with_emotion
from avatar.drive.motion import Curves, DrivenMotion
from avatar.drive.retarget import retarget_basis, retargeted
from avatar.geometry.rotations import head_poses
from avatar.geometry.vectors import smoothstep
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.video.output import exact_rate
from common.device import Device, pick_device

TAKE_FPS = 25.0  # of recorded face motion, unless the user says otherwise
NOT_SPOKEN = ("eye", "brow", "noseSneer", "cheekSquint")
"""Prefixes of the units that a voice does not move."""


REST_SECONDS = 0.15  # in which a mouth comes to rest after its recording


Mover = SavedMotion | Take
"""What moves a face without a voice."""


def read_mover(motion: Path | None, arkit: Path | None) -> Mover | None:
    """Saved motion, or a recorded take, of a file. InputError or OSError where it is none."""
    if motion:
        return open_motion(motion)
    return read_take(arkit) if arkit else None


def load_mover(mover: Mover | None, direction: Direction, device: Device) -> Mover | SpeechToMotion:
    """What moves a face: the one given, else the weights that a voice needs. Load it before the
    face, which may take seconds to register."""
    return mover or load_model(direction.weights, pick_device(device))


def motion_of(
    mover: Mover | SpeechToMotion,
    face: Face | None,
    direction: Direction,
    avatar: Avatar | None = None,
) -> DrivenMotion:
    """The motion of a face by what moves it; None: the face of saved motion.

    avatar: that whose face it is and whose manner a voice is spoken in, if any.
    """
    if isinstance(mover, SavedMotion):
        return retargeted(mover, face)
    assert face is not None
    if isinstance(mover, SpeechToMotion):
        return perform(face, in_manner(mover, direction.manner, avatar), direction)
    return perform(face, mover, direction)


def perform(
    face: Face,
    mover: Take | SpeechToMotion | Spoken,
    direction: Direction,
    beside: Take | None = None,
) -> DrivenMotion:
    """The motion of a face by a recorded take, or by a voice.

    beside: moves head, eyes and brows while the voice moves the lips. Raises InputError where the
    weights' motion cannot be retargeted to the mesh.
    """
    if isinstance(mover, Take):
        rate = float(exact_rate(direction.fps or TAKE_FPS))
        return _of_take(face, mover, rate, direction.behaviour is None)
    if isinstance(mover, SpeechToMotion):
        mover = Spoken(mover, {})
    basis = retarget_basis(mover.model, face, direction.weights or SHIPPED, direction.flame)
    direction = replace(direction, behaviour=mover.behaviour(direction.behaviour))
    return _of_speech(face, mover.model, basis, direction, beside)


def _of_speech(
    face: Face, model: SpeechToMotion, basis: Tensor, direction: Direction, beside: Take | None
) -> DrivenMotion:
    """Speech with blinks, brows and head motion; the recording is decoded once and never held.

    basis [K, V, 3]: the model's, on the mesh of the face. Where another's voice is listened to, the
    motion lasts as long as the longer of the two; without a voice of its own the mouth rests.
    """
    fps, pivot = float(exact_rate(direction.fps or model.fps)), load_head().pivot
    net = load_pose_net(direction.head_weights) if direction.head_weights else None
    said, own = _said(model, len(basis), direction, fps)
    other = prosody_of_file(direction.listen) if direction.listen else None
    frames = max(sum(map(len, said)), round(len(other or ()) / FRAMES_PER_SECOND * fps))
    if missing := frames - sum(map(len, said)):
        said = (*said, _resting(said[-1][-1:], missing, fps))
    emotions = direction.emotions
    if direction.behaviour is None:
        life = still(frames)
    elif beside is not None:
        life = _life_of(beside, frames, fps)
    else:
        style = style_with_emotion(direction.behaviour.style, emotions, frames / fps)
        behaviour = replace(direction.behaviour, style=style)
        life = live(own, fps, frames, pivot, behaviour, net, other)
    names = tuple(f"speech_{k:02d}" for k in range(len(basis)))
    speech, units = Curves(names, basis.cpu(), lambda: iter(said)), life.unit_weights
    if emotions:
        speech, units = with_emotion(face, speech, units, emotions, fps)
    return _motion(face, beside_speech(face, speech, units, frames), life.head_pose, fps)


def _said(
    model: SpeechToMotion, width: int, direction: Direction, fps: float
) -> tuple[tuple[Tensor, ...], Prosody]:
    """Coefficients [f, K] of the own voice in chunks, and its prosody; of one frame at rest where
    there is none."""
    if direction.audio is None:
        return (torch.zeros(1, width),), silence(0)
    return hear(model, direction.audio, fps, direction.weights_style)


def _resting(last: Tensor, frames: int, fps: float) -> Tensor:
    """Coefficients [f, K] of a mouth that comes to rest from its last ones [1, K]."""
    share = smoothstep(0.0, REST_SECONDS, (np.arange(frames) + 1) / fps)
    return torch.from_numpy(1 - share).float()[:, None] * last


def beside_speech(face: Face, speech: Curves, units: Mapping[str, Tensor], frames: int) -> Curves:
    """Speech, and units with their weights [F] beside it."""
    weights = list(units.values())
    unspoken = torch.stack(weights, 1) if weights else torch.zeros(frames, 0)  # [F, E]

    def coefficients() -> Iterator[Tensor]:
        start = 0
        for chunk in speech.coefficients():
            yield torch.cat([chunk, unspoken[start : start + len(chunk)]], dim=1)
            start += len(chunk)

    basis = torch.cat([speech.basis, *(unit_offsets(face, name)[None] for name in units)])
    return Curves((*speech.names, *units), basis, coefficients)


def _of_take(face: Face, take: Take, fps: float, still: bool) -> DrivenMotion:
    """Recorded ARKit weights; still: without the take's head angles."""
    weights, angles = sample_take(take, fps)  # [F, 52], [F, 3]
    units = face.head.units[[face.head.unit_names.index(name) for name in WEIGHTS]]
    poses = head_poses(torch.zeros_like(angles) if still else angles, load_head().pivot)
    return _motion(face, Curves(WEIGHTS, units, lambda: iter([weights])), poses, fps)


def _life_of(take: Take, frames: int, fps: float) -> Life:
    """A take's motion besides speech; its last frame is held after its end."""
    weights, angles = sample_take(take, fps)
    rows = torch.arange(frames).clamp(max=len(weights) - 1)
    names = [name for name in WEIGHTS if name.startswith(NOT_SPOKEN)]
    units = {name: weights[rows, WEIGHTS.index(name)] for name in names}
    return Life(units, head_poses(angles[rows], load_head().pivot))


def _motion(face: Face, curves: Curves, head_pose: Tensor, fps: float) -> DrivenMotion:
    """head_pose [F, 4, 4]: in head space, which is not that of every mesh."""
    own = face.to_head.inverse().of_motions(head_pose)
    return DrivenMotion(face, curves.offsets, own, fps, curves)
