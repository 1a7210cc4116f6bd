"""How loud the speaker and how loud the background is, as far as is heard."""

from collections import deque

from audio2mesh.prosody.record import FRAMES_PER_SECOND

FAINTEST = -65.0
"""dB of full scale under which nothing counts as sound."""

_LOUD_AT_FIRST = -40.0  # dB of full scale, until a voice is heard
_MEMORY = 8 * FRAMES_PER_SECOND  # voiced frames over which the loud level forgets
_SHARE = 0.85  # the loud level is this expectile of voiced frames
_HEADROOM = 8.0  # dB that a voice may at once be louder than the loud level
_BLOCK, _BLOCKS = 25, 12  # the background is the quietest moment of 3 s
_SMOOTHING = 0.15  # of the level whose least is taken, a frame: about 60 ms
_UNDER_LOUD, _RANGE = 10.0, 40.0  # dB


class LoudLevel:
    """The speaker's loud level in dB of full scale."""

    def __init__(self) -> None:
        self.level = _LOUD_AT_FIRST
        self._heard = 0

    def push(self, level: float) -> None:
        """Hear a voiced frame."""
        self._heard += 1
        if self._heard == 1:
            self.level = level
        share = _SHARE if level > self.level else 1 - _SHARE
        self.level += 2 * share / min(self._heard + 1, _MEMORY) * (level - self.level)
        self.level = max(self.level, level - _HEADROOM)


class Background:
    """The quietest moment of the last seconds, in dB of full scale."""

    def __init__(self) -> None:
        self._smooth = self._least = 0.0
        self._blocks = deque([0.0], maxlen=_BLOCKS)
        self._frames = 0

    def push(self, level: float) -> float:
        """Hear a frame; the background's level until now."""
        self._smooth = level if not self._frames else self._smooth
        self._smooth += _SMOOTHING * (level - self._smooth)
        self._blocks[-1] = min(self._blocks[-1], self._smooth)
        self._frames += 1
        least = min(self._blocks)
        if self._frames % _BLOCK == 0:
            self._blocks.append(self._smooth)
        return least


def sound_threshold(over_background: float, loud: float) -> float:
    """dB of full scale from which a frame may belong to the speaker's voice.

    over_background: what background does not reach. Where that is hardly quieter than the voice,
    there was no pause yet.
    """
    return max(min(over_background, loud - _UNDER_LOUD), loud - _RANGE, FAINTEST)
