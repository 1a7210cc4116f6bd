"""The options of how a voice is spoken and of what a face does besides."""

from dataclasses import dataclass
from pathlib import Path

from avatar.behaviour.style import Style


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """In what manner a voice is spoken."""

    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
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
