"""What a voice, or a recorded take, makes a face do."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, hear
from audio2mesh.head.storage import load_pose_net
from avatar.arkit import WEIGHTS, Take, head_poses, sample_take
from avatar.drive.behaviour_options import (
    FARTHEST,
    NAMED_GAZES,
    LifeOptions,
    parse_direction,
)
from avatar.drive.export_options import ExportOptions
from avatar.drive.feelings import feelings_of, felt_manner, with_feelings
from avatar.drive.motion import Curves, Motion
from avatar.drive.options import DriveOptions
from avatar.drive.retarget import carry_basis
from avatar.face.breath import moved_by
from avatar.face.life import Behaviour
from avatar.face.looking import Gaze
from avatar.face.manner import MANNERS
from avatar.face.shown import Life, live, still
from avatar.film.output import exact_rate
from avatar.heads import load_head
from avatar.transfer.fitted_face import Face

TAKE_FPS = 25.0  # of recorded face motion, unless the user says otherwise
Direction = DriveOptions | ExportOptions


NOT_SPOKEN = ("eye", "brow", "noseSneer", "cheekSquint")
"""How units begin that a voice does not move."""


def perform(
    face: Face, mover: Take | SpeechToMotion, options: Direction, beside: Take | None = None
) -> Motion:
    """The motion of a face by a recorded take, or by a voice.

    beside: moves head, eyes and brows while the voice moves the lips. Raises InputError where the
    weights' motion cannot be carried to the mesh.
    """
    if isinstance(mover, Take):
        return _of_take(face, mover, float(exact_rate(options.fps or TAKE_FPS)), options.still)
    basis = carry_basis(mover, face, options.weights or "the weights that ship", options.flame)
    return _of_speech(face, mover, basis, options, beside)


def _of_speech(
    face: Face, model: SpeechToMotion, basis: Tensor, options: Direction, beside: Take | None
) -> Motion:
    """Speech with blinks, brows and head motion; the recording is decoded once and never held.

    basis [K, V, 3]: the model's, on the mesh of the face.
    """
    assert options.audio is not None
    fps, pivot = float(exact_rate(options.fps or model.fps)), load_head().pivot
    net = load_pose_net(options.head_weights) if options.head_weights else None
    heard = hear(model, options.audio, fps, options.weights_style)
    frames, feelings = len(heard.energy), ()
    if options.emotion:
        feelings = feelings_of(options.emotion, options.intensity, heard.prosody)
    if options.still:
        life = still(frames)
    elif beside is not None:
        life = _life_of(beside, frames, fps)
    else:
        behaviour = behaviour_of(options)
        manner = felt_manner(behaviour.manner, feelings, heard.seconds)
        life = live(heard.prosody, fps, frames, pivot, replace(behaviour, manner=manner), net)
    names = tuple(f"speech_{k:02d}" for k in range(len(basis)))
    speech, units = Curves(names, basis.cpu(), lambda: iter(heard.coefficients)), life.unit_weights
    if feelings:
        speech, units = with_feelings(face, speech, units, feelings, fps)
    return _motion(face, beside_speech(face, speech, units, frames), life.head_pose, fps)


def beside_speech(face: Face, speech: Curves, units: Mapping[str, Tensor], frames: int) -> Curves:
    """Speech, and units with their weights [F] beside it."""
    weights = list(units.values())
    unspoken = torch.stack(weights, 1) if weights else torch.zeros(frames, 0)  # [F, E]

    def coefficients() -> Iterator[Tensor]:
        start = 0
        for chunk in speech.coefficients():
            yield torch.cat([chunk, unspoken[start : start + len(chunk)]], dim=1)
            start += len(chunk)

    basis = torch.cat([speech.basis, *(moved_by(face, name)[None] for name in units)])
    return Curves((*speech.names, *units), basis, coefficients)


def behaviour_of(options: LifeOptions) -> Behaviour:
    """What the options say about the life of a face that speaks."""
    return Behaviour(MANNERS[options.style], options.take, options.head, _gaze(options))


def _gaze(options: LifeOptions) -> Gaze:
    """What is looked at; a camera that stands too far aside is looked at as far as eyes go."""
    if options.gaze not in NAMED_GAZES:
        return Gaze(*parse_direction(options.gaze), free=False)
    if options.gaze == "free" or not isinstance(options, DriveOptions):
        return Gaze(free=options.gaze == "free")
    aims = zip((options.azimuth, options.elevation), FARTHEST, strict=True)
    return Gaze(*(max(-most, min(most, aim)) for aim, most in aims), free=False)


def _of_take(face: Face, take: Take, fps: float, still: bool) -> Motion:
    """Recorded ARKit weights; still: without the take's head angles."""
    weights, angles = sample_take(take, fps)  # [F, 52], [F, 3]
    units = face.head.units[[face.head.unit_names.index(name) for name in WEIGHTS]]
    poses = head_poses(torch.zeros_like(angles) if still else angles, load_head().pivot)
    return _motion(face, Curves(WEIGHTS, units, lambda: iter([weights])), poses, fps)


def _life_of(take: Take, frames: int, fps: float) -> Life:
    """What a take does besides speaking; after its end its last frame stays."""
    weights, angles = sample_take(take, fps)
    rows = torch.arange(frames).clamp(max=len(weights) - 1)
    names = [name for name in WEIGHTS if name.startswith(NOT_SPOKEN)]
    units = {name: weights[rows, WEIGHTS.index(name)] for name in names}
    return Life(units, head_poses(angles[rows], load_head().pivot))


def _motion(face: Face, curves: Curves, head_pose: Tensor, fps: float) -> Motion:
    """head_pose [F, 4, 4]: in head space, which is not that of every mesh."""
    own = face.to_head.inverse().of_motions(head_pose)
    return Motion(face, curves.offsets, own, fps, curves)
