"""Measured frames → which of them are voiced, which are sound of the speaker, and how loud."""

from dataclasses import dataclass

import numpy as np

from audio2mesh.prosody.loudness import Background, LoudLevel, sound_threshold
from audio2mesh.prosody.periodicity import Measured
from audio2mesh.prosody.record import Bools, Floats

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
