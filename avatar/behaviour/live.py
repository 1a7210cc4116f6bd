"""What a face does besides speaking, from speech that is still going on."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh.prosody.listener import ProsodyListener
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import frame_count
from avatar.behaviour.motion import COLUMNS, Behaviour, LifeMaker
from avatar.behaviour.performance import Life, Sampler, shown
from avatar.behaviour.speech_events import RATE
from avatar.geometry.vectors import Floats

HOP = 160
"""Samples that are heard at a time."""
LOOKAHEAD = 0.13
"""Seconds of prosody beyond a frame that are heard before it is made."""


class LiveLife:
    """Life of speech that arrives bit by bit, the same however it is cut up.

    Beside `LiveMotion`: all frames together are as many as the recording has.
    """

    def __init__(self, fps: float, pivot: Tensor, behaviour: Behaviour | None = None) -> None:
        """pivot [3]: metres, the joint on which the head turns."""
        self._fps, self._pivot = fps, pivot
        self._listener = ProsodyListener()
        self._maker = LifeMaker(behaviour or Behaviour(), LOOKAHEAD)
        self._sampler = Sampler(fps)
        self._heard = np.zeros(0, np.float32)  # less than a HOP
        self._samples, self._frames = 0, 0

    @property
    def latency(self) -> float:
        """Longest time in seconds from a frame's start to the moment at which it comes out."""
        return ProsodyListener.latency + LOOKAHEAD + HOP / SAMPLE_RATE + 0.5 / self._fps + 1 / RATE

    def push(self, samples: NDArray[np.floating]) -> Life:
        """Hear samples [s], float32 mono at 16 kHz; the frames that became ready."""
        self._samples += len(samples)
        heard = np.concatenate([self._heard, samples.astype(np.float32)])
        whole = len(heard) // HOP * HOP
        self._heard = heard[whole:]
        hops = heard[:whole].reshape(-1, HOP)
        rows = [self._sampler.push(self._maker.hear(self._listener.push(hop))) for hop in hops]
        return self._shown(rows)

    def finish(self) -> Life:
        """The frames that remain when the speech has ended."""
        pieces = [self._listener.push(self._heard), self._listener.finish()]
        rows = [self._maker.hear(piece) for piece in pieces]
        sampled = [self._sampler.push(row) for row in (*rows, self._maker.finish())]
        missing = frame_count(self._samples, self._fps) - self._frames
        sampled.append(self._sampler.finish(missing - sum(map(len, sampled))))
        return self._shown([np.concatenate(sampled)[:missing]])

    def _shown(self, rows: list[Floats]) -> Life:
        frames = np.concatenate([np.zeros((0, COLUMNS)), *rows])
        self._frames += len(frames)
        return shown(frames, self._pivot)
