"""Candidates of each frame → one pitch or none, by the cheapest path that looks a little ahead.

Dynamic programming over candidates and an unvoiced state, as in RAPT (Talkin 1995), read back a
fixed number of frames behind the newest one.
"""

import numpy as np

from audio2mesh.prosody.periodicity import CANDIDATES
from audio2mesh.prosody.record import Floats
from common.kernels import cached_njit

LAG = 16
"""Frames that are looked ahead before a frame's pitch is settled."""

_UNVOICED_COST = 0.45
_GLIDE_COST = 1.2  # for an octave between two frames
_SWITCH_COST = 0.12  # between voiced and unvoiced
_STATES = CANDIDATES + 1  # the last one is unvoiced


class PitchTracker:
    """Settles the pitch of one frame after another, `LAG` frames behind."""

    def __init__(self) -> None:
        self._total = np.full(_STATES, np.inf, np.float32)  # cost of the best path to each state
        self._total[CANDIDATES] = 0.0
        self._pitch = np.full((LAG + 1, _STATES), np.nan, np.float32)  # log2 Hz, latest frames
        self._before = np.full((LAG + 1, _STATES), CANDIDATES)  # the state that each came from
        self._frames = 0

    def push(self, octaves: Floats, cost: Floats) -> Floats:
        """Log2 of the pitch [n] of the frames `LAG` before these, nan where unvoiced.

        octaves, cost: [n, CANDIDATES] as measured. Frames before the recording count as unvoiced.
        """
        settled = np.empty(len(octaves), np.float32)
        _walk(octaves, cost, self._total, self._pitch, self._before, self._frames, settled)
        self._frames += len(octaves)
        return settled


@cached_njit(error_model="numpy")
def _walk(octaves, cost, total, pitch, before, frames, settled):
    """One step of the dynamic programme for each frame; total, pitch, before are updated."""
    reached = np.empty(_STATES, np.float32)
    for n in range(len(octaves)):
        row, last = (frames + n) % (LAG + 1), (frames + n - 1) % (LAG + 1)
        for j in range(_STATES):
            voiced = j < CANDIDATES
            pitch[row, j] = octaves[n, j] if voiced else np.nan
            best = np.float32(np.inf)
            for i in range(_STATES):
                step = total[i]
                if (i < CANDIDATES) != voiced:
                    step += _SWITCH_COST
                elif voiced:
                    step += _GLIDE_COST * abs(octaves[n, j] - pitch[last, i])
                if step < best:
                    best, before[row, j] = step, i
            reached[j] = best + (cost[n, j] if voiced else _UNVOICED_COST)
        total[:] = reached - reached.min()
        state = np.argmin(total)
        for back in range(LAG):
            state = before[(frames + n - back) % (LAG + 1), state]
        settled[n] = pitch[(frames + n - LAG) % (LAG + 1), state]
