"""The direction of a performance from its options: voice, manner of speaking (see
`audio2mesh.model.manner`), emotions and behaviour."""

import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

from audio2mesh import Habits, Manner, SpeechToMotion, load_manner, manner_of, with_manner
from avatar.avatar_io.avatar_file import load_avatar
from avatar.behaviour.emotion_timeline import EmotionTimeline, read_emotion
from avatar.behaviour.gaze import Gaze
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.options import BehaviourOptions, LifeOptions, SpeechOptions
from avatar.behaviour.style import STYLES, scaled
from avatar.drive.options import DriveOptions, ExportOptions, ViewOptions
from avatar.rigging.avatar import Avatar
from common.errors import InputError, check_file, check_idle, naming

LARGEST = 2.0  # of --head
FARTHEST = (25.0, 12.0)
"""Degrees that eyes and head together turn sideways, and up or down."""
SHIPPED = "the weights that ship"
AUTO_MANNER, NEUTRAL_MANNER = "auto", "neutral"
WORDS = (AUTO_MANNER, NEUTRAL_MANNER)


@dataclass(frozen=True)
class Direction:
    """How a voice, or a recorded take, shall move a face."""

    audio: Path | None = None  # the voice that moves the lips, if one does
    listen: Path | None = None  # another's, which is listened to
    fps: float | None = None  # by default what the weights were trained at, of a take 25
    weights: Path | None = None  # of the voice, by default those that ship
    weights_style: str | None = None
    manner: str = AUTO_MANNER
    emotions: EmotionTimeline = ()
    behaviour: Behaviour | None = field(default_factory=Behaviour)  # None: a still face
    head_weights: Path | None = None  # that move the head in place of the generator
    flame: Path | None = None  # FLAME's file, for weights that are of FLAME


def direction_of(
    options: DriveOptions | ExportOptions | ViewOptions,
    speaks: bool,
    lives: bool,
    needed: str,
    camera: tuple[float, float] = (0.0, 0.0),
) -> Direction:
    """The direction that the options give, checked.

    speaks: whether a voice moves the lips; the rest as `behaviour_of` takes it. Raises InputError
    or FileNotFoundError, in one sentence.
    """
    emotions = read_emotion(options.emotion, options.intensity, speaks)
    behaviour = behaviour_of(options, lives, needed, camera)
    if options.head_weights:
        check_file(options.head_weights)
    return Direction(
        options.audio if speaks else None,
        options.listen if isinstance(options, DriveOptions) else None,
        options.fps,
        options.weights,
        options.weights_style,
        checked_manner(options, speaks),
        emotions,
        behaviour,
        options.head_weights,
        options.flame,
    )


def behaviour_of(
    options: LifeOptions, lives: bool, needed: str, camera: tuple[float, float] = (0.0, 0.0)
) -> Behaviour | None:
    """The behaviour that the options give; None: a still face.

    lives: whether a voice moves head and eyes; needed: what that would take; camera: its direction,
    degrees to the subject's left and up. Raises InputError for what cannot be done, and for
    options without effect.
    """
    recorded = isinstance(options, BehaviourOptions)
    moving = [f for f in fields(BehaviourOptions if recorded else LifeOptions) if f.name != "still"]
    check_idle(options, {option.name: (lives, needed) for option in moving})
    for option in moving if options.still else ():
        if getattr(options, option.name) != option.default:
            flag = option.name.replace("_", "-")
            raise InputError(f"--{flag} and --still: a still face has none; leave one out")
    if options.take < 0:
        raise InputError(f"--take {options.take}: must not be negative")
    if not 0 <= options.head <= LARGEST:
        raise InputError(f"--head {options.head:g}: must be from 0 to {LARGEST:g}")
    gaze = _gaze(options.gaze, camera)
    if options.still:
        return None
    return Behaviour(STYLES[options.style], options.take, options.head, gaze)


def _gaze(said: str, camera: tuple[float, float]) -> Gaze:
    """The gaze of an option; a camera far aside is followed as far as eyes reach."""
    if said == "free":
        return Gaze()
    if said == "camera":
        aims = zip(camera, FARTHEST, strict=True)
        return Gaze(*(max(-most, min(most, aim)) for aim, most in aims), free=False)
    try:
        x, y = (float(word) for word in said.split(","))
    except ValueError:
        raise InputError(f"--gaze {said}: must be free, camera, or X,Y in degrees") from None
    if not (abs(x) <= FARTHEST[0] and abs(y) <= FARTHEST[1]):
        most = f"{FARTHEST[0]:g} degrees sideways and {FARTHEST[1]:g} up or down"
        raise InputError(f"--gaze {said}: eyes and head reach {most}")
    return Gaze(x, y, free=False)


def checked_manner(options: SpeechOptions, speaks: bool = True) -> str:
    """The manner of the options: a word, or a file that is there. A speaking style of the weights
    that is named leaves no room for another's.

    speaks: whether a voice moves the lips. InputError or FileNotFoundError for what cannot be done.
    """
    said = options.manner
    if said == AUTO_MANNER:
        return NEUTRAL_MANNER if options.weights_style else said
    if not speaks:
        raise InputError("--manner: has nothing to do where no voice moves the lips; leave it out")
    if said != NEUTRAL_MANNER:
        check_file(Path(said), "avatar or manner of speaking", "or say auto or neutral")
        if options.weights_style:
            raise InputError("--manner and --weights-style: name one way of speaking")
    return said


class Spoken(NamedTuple):
    """A model that speaks in somebody's manner, and what else they do meanwhile."""

    model: SpeechToMotion
    habits: Habits

    def behaviour(self, behaviour: Behaviour | None) -> Behaviour | None:
        """A behaviour with these habits."""
        if behaviour is None:
            return None
        return replace(behaviour, style=scaled(behaviour.style, **self.habits))


def in_manner(model: SpeechToMotion, said: str, avatar: Avatar | None) -> Spoken:
    """The model as the avatar's own person speaks, or another; said: as `checked_manner` gives it.

    An own manner that belongs to other weights is left out with a warning. InputError where another
    one does, or a file holds none.
    """
    if said not in WORDS:
        return _with(model, _of_file(Path(said)), said)
    if said == NEUTRAL_MANNER or avatar is None or avatar.manner is None:
        return Spoken(model, {})
    try:
        own = manner_of(avatar.manner.numpy().tobytes(), "the avatar")
        return _with(model, own, "the avatar")
    except InputError as error:
        print(f"{error}; it speaks as nobody in particular", file=sys.stderr)
        return Spoken(model, {})


def _with(model: SpeechToMotion, manner: Manner, place: str) -> Spoken:
    with naming(place):
        return Spoken(with_manner(model, manner), manner.habits)


def _of_file(path: Path) -> Manner:
    if path.suffix.lower() != ".ply":
        return load_manner(path)
    found = load_avatar(path).manner
    if found is None:
        raise InputError(f"{path}: knows no manner of speaking; make-avatar learns one from a film")
    return manner_of(found.numpy().tobytes(), str(path))
