"""The options of how a voice is spoken and of what a face does besides, and their limits."""

from dataclasses import dataclass, fields
from pathlib import Path

from avatar.face.manner import Style
from common.errors import InputError, check_file

LARGEST = 2.0  # of --head
FARTHEST = (25.0, 12.0)
"""Degrees that eyes and head together turn sideways, and up or down."""
NAMED_GAZES = ("free", "camera")


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """In what manner a voice is spoken."""

    weights_style: str | None = None
    """Speaking style of the weights, by its name; by default the neutral one."""
    emotion: str | None = None
    """What the voice is spoken with: neutral, happy, sad, angry, fear, disgust, surprise, contempt;
    several such as happy:0.4,surprise:0.3; a .json of ARKit units and weights; a frame of a Live
    Link take such as take.csv@1.5s; or a .txt of lines such as "3-7 angry 0.8" (seconds). auto
    hears how excited the voice is, and shows no more than that: of which feeling it is, sound alone
    tells too little."""
    intensity: float = 1.0
    """How strong the feelings of --emotion are, from 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class LifeOptions:
    """How a face behaves besides speaking."""

    style: Style = "speaker"
    """How head, eyes, brows and lids behave with a voice: as a news reader's, as somebody's who
    speaks freely, or livelier than that."""
    take: int = 0
    """Another number is another take of the same: other poses, nods, looks and blinks."""
    head: float = 1.0
    """How large the head's motion is, from 0 to 2."""
    gaze: str = "free"
    """Where the eyes look: free, at the listener straight ahead and now and then elsewhere; camera,
    always to where the camera stands; or X,Y, always so many degrees to the subject's left and up,
    such as 10,-5."""
    still: bool = False
    """No life besides: only speech, or the weights of a take or a film, move the face."""


@dataclass(frozen=True, kw_only=True)
class BehaviourOptions(LifeOptions):
    """The same where the whole recording is known."""

    head_weights: Path | None = None
    """Weights of `train pose`, learned from tracks of heads, that move the head in place of the
    generator; by default the generator does."""


def check_behaviour(options: LifeOptions, lives: bool, needed: str) -> None:
    """Refuse, in one sentence, what cannot be done, and what has nothing to do.

    lives: whether a voice decides about head and eyes; needed: what it would take. InputError.
    """
    recorded = isinstance(options, BehaviourOptions)
    for option in fields(BehaviourOptions if recorded else LifeOptions):
        name = option.name.replace("_", "-")
        given = getattr(options, option.name) != option.default and option.name != "still"
        if given and not lives:
            raise InputError(f"--{name}: has nothing to do without {needed}; leave it out")
        if given and options.still:
            raise InputError(f"--{name} and --still: a still face has none; leave one out")
    if recorded and options.head_weights:
        check_file(options.head_weights)
    if options.take < 0:
        raise InputError(f"--take {options.take}: must not be negative")
    if not 0 <= options.head <= LARGEST:
        raise InputError(f"--head {options.head:g}: must be from 0 to {LARGEST:g}")
    if options.gaze not in NAMED_GAZES:
        parse_direction(options.gaze)


def parse_direction(gaze: str) -> tuple[float, float]:
    """Degrees to the subject's left and up of "X,Y". InputError for anything else."""
    words = gaze.split(",")
    try:
        x, y = (float(word) for word in words)
    except ValueError:
        raise InputError(f"--gaze {gaze}: must be free, camera, or X,Y in degrees") from None
    if not (abs(x) <= FARTHEST[0] and abs(y) <= FARTHEST[1]):
        most = f"{FARTHEST[0]:g} degrees sideways and {FARTHEST[1]:g} up or down"
        raise InputError(f"--gaze {gaze}: eyes and head reach {most}")
    return x, y
