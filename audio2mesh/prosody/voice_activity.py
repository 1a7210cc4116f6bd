"""Measured frames → which of them are voiced, which are sound of the speaker, and how loud, from
running levels of the speaker and the background; phrases between pauses; and syllable nuclei,
voiced peaks with a dip before them, after de Jong and Wempe (2009, Behavior Research Methods
41(2):385-90)."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from audio2mesh.prosody.pitch import Measured
from audio2mesh.prosody.record import FRAMES_PER_SECOND, Bools, Floats

FAINTEST = -65.0
"""dB of full scale under which nothing counts as sound."""

_LOUD_AT_FIRST = -40.0  # dB of full scale, until a voice is heard
_MEMORY = 8 * FRAMES_PER_SECOND  # voiced frames over which the loud level forgets
_SHARE = 0.85  # the loud level is this expectile of voiced frames
_HEADROOM = 8.0  # dB that a voice may at once be louder than the loud level
_BLOCK, _BLOCKS = 25, 12  # the background is the quietest block of 3 s
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
    """The quietest block of the last seconds, in dB of full scale."""

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


_VOICED_COST = 0.42
"""Frames that repeat themselves at this cost are voiced before their pitch is settled."""
_TOO_QUIET_COST, _FADE = 0.8, 6.0  # cost of a voice so many dB under the threshold
_OVER_NOISE, _OVER_MUSIC = 6.0, 18.0  # dB over a background of noise, of music
_TONAL_STEP = 0.02
_NOISE_RANGE = 28.0  # dB under the loud level where unvoiced sounds end


@dataclass(frozen=True)
class Activity:
    """n frames."""

    loud: Floats  # [n] the speaker's loud level until then, dB of full scale
    voiced: Bools  # [n] at first sight
    sound: Bools  # [n] voiced, or loud enough for the noise of speech
    cost: Floats  # [n, CANDIDATES] of the candidates, more where it is too quiet for a voice


class ActivityMeter:
    """Tells the speaker from the background, by what was heard so far."""

    def __init__(self) -> None:
        self._loud = LoudLevel()
        self._noise, self._hum = Background(), Background()
        self._tonal = 0.0  # share of the background's frames that repeat themselves, as music does

    def push(self, measured: Measured) -> Activity:
        """Judge frames by what was heard until each of them."""
        rows = zip(
            measured.level.tolist(),
            measured.voice_level.tolist(),
            measured.cost[:, 0].tolist(),
            strict=True,
        )
        judged = np.array([self._judge(*row) for row in rows], np.float32).reshape(-1, 4)
        loud, quiet_cost, voiced, sound = judged.T
        return Activity(
            loud=loud,
            voiced=voiced > 0,
            sound=sound > 0,
            cost=measured.cost + quiet_cost[:, None],
        )

    def _judge(self, level: float, voice_level: float, cost: float) -> tuple[float, ...]:
        """Loud level, cost of being quiet, voiced, sound."""
        noise, hum = self._noise.push(level), self._hum.push(voice_level)
        over = _OVER_NOISE + self._tonal * (_OVER_MUSIC - _OVER_NOISE)
        threshold = sound_threshold(hum + over, self._loud.level)
        quiet_cost = _TOO_QUIET_COST * min(max((threshold - voice_level) / _FADE, 0.0), 1.0)
        voiced = cost + quiet_cost < _VOICED_COST
        if voiced:
            self._loud.push(voice_level)
        else:
            self._tonal += _TONAL_STEP * ((cost < _VOICED_COST) - self._tonal)
        loud = self._loud.level
        noisy = level > max(sound_threshold(noise + over, loud), loud - _NOISE_RANGE)
        return loud, quiet_cost, voiced, voiced or noisy


PAUSE = 18
"""Frames without sound that end a phrase, and that are looked ahead to find its start."""
_SOUNDING, _VOICED = 9, 6  # of the next PAUSE frames, in a phrase that starts
_AFTER_VOICE = 25  # frames that an unvoiced sound may last at a phrase's end


class PhraseFinder:
    """Says of one frame after another whether it lies within a phrase, `PAUSE` frames behind."""

    def __init__(self) -> None:
        self._sound = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._voiced = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._lasting = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._since_voice = 0
        self._speaking = False

    def push(self, sound: bool, voiced: bool) -> bool:
        """Hear a frame; whether the one `PAUSE` before it is within a phrase."""
        self._since_voice = 0 if voiced else self._since_voice + 1
        self._sound.append(sound)
        self._voiced.append(voiced)
        self._lasting.append(sound and self._since_voice <= _AFTER_VOICE)
        if self._speaking:
            self._speaking = any(self._lasting)
        elif self._sound[0]:
            sounding, voiced_frames = sum(self._sound), sum(self._voiced)
            self._speaking = sounding >= _SOUNDING and voiced_frames >= _VOICED
        return self._speaking


REACH = 4
"""Frames around a nucleus that are no louder."""
_DIP = 1.0  # dB that the level falls between two nuclei
_FAINTEST = -28.0  # dB under the loud level
_SMOOTH = np.array([1.0, 2.0, 1.0]) / 4

DELAY = REACH + len(_SMOOTH) // 2
"""Frames after a nucleus at which it is known."""


class NucleusFinder:
    """Finds nuclei in one frame after another."""

    def __init__(self) -> None:
        self._raw = deque([_FAINTEST] * len(_SMOOTH), maxlen=len(_SMOOTH))
        self._level = deque([_FAINTEST] * (2 * REACH + 1), maxlen=2 * REACH + 1)
        self._voiced = deque([False] * (DELAY + 1), maxlen=DELAY + 1)
        self._least = _FAINTEST  # since the last nucleus

    def push(self, level: float, voiced: bool) -> bool:
        """Hear a frame's dB over the loud level; whether the one `DELAY` before it is a nucleus."""
        self._raw.append(max(level, 2 * _FAINTEST))
        self._voiced.append(voiced)
        self._level.append(sum(w * x for w, x in zip(_SMOOTH.tolist(), self._raw, strict=True)))
        here = self._level[REACH]
        self._least = min(self._least, here)
        found = self._voiced[0] and here > max(_FAINTEST, self._least + _DIP)
        found = found and here >= max(self._level)
        if found:
            self._least = here
        return found
