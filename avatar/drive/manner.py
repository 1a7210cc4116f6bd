"""Whose way of speaking an avatar speaks in: see `audio2mesh.model.manner`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from audio2mesh import Habits, Manner, SpeechToMotion, load_manner, manner_of, with_manner
from avatar.avatar_io.avatar_file import load_avatar
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.options import SpeechOptions
from avatar.behaviour.style import scaled
from avatar.rigging.avatar import Avatar
from common.errors import InputError, check_file, naming

AUTO_MANNER, NEUTRAL_MANNER = "auto", "neutral"
WORDS = (AUTO_MANNER, NEUTRAL_MANNER)


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
