"""The options of how a voice is spoken and how a face moves besides."""

from dataclasses import dataclass
from pathlib import Path

from avatar.behaviour.style import Style


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """How a voice is spoken."""

    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    weights_style: str | None = None
    """Speaking style of the weights, by its name; by default the neutral one."""
    manner: str = "auto"
    """Whose way of speaking: auto takes the avatar's own, where it was learned from their film;
    neutral is nobody's; or that of another avatar (.ply) or of a file of `train manner`."""
    emotion: str | None = None
    """What the voice is spoken with: neutral, happy, sad, angry, fear, disgust, surprise, contempt;
    several such as happy:0.4,surprise:0.3; a .json of ARKit units and weights; or a .txt of lines
    such as "3-7 angry 0.8" (seconds)."""
    intensity: float = 1.0
    """How strong the emotions of --emotion are, from 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class LifeOptions:
    """How a face behaves besides speaking."""

    style: Style = "speaker"
    """How head, eyes, brows and lids move with a voice: as a news reader's, as a free speaker's, or
    livelier."""
    take: int = 0
    """Random seed: another number gives other poses, nods, looks and blinks."""
    head: float = 1.0
    """Gain of the head's motion, from 0 to 2."""
    gaze: str = "free"
    """Where the eyes look: free, at the listener straight ahead and now and then elsewhere; camera,
    always at the camera; or X,Y, always so many degrees to the subject's left and up,
    such as 10,-5."""
    still: bool = False
    """Nothing moves the face but speech, or the weights of a take or a film."""


@dataclass(frozen=True, kw_only=True)
class BehaviourOptions(LifeOptions):
    """How a face behaves where the whole recording is known."""

    head_weights: Path | None = None
    """Weights of `train pose`, learned from tracks of heads, that move the head in place of the
    generator; by default the generator does."""
