"""Pitch tracking: samples → for each frame of 10 ms its levels, pitch candidates, and one pitch or
none.

Candidates are minima of the difference function of de Cheveigné and Kawahara (2002, YIN, JASA
111(4):1917-30), here with both windows placed symmetrically about the frame's centre, so that a
glide is not seen late, and divided by the energy under the windows, so that a voice that swells
still counts as periodic. Dynamic programming over candidates and an unvoiced state, as in RAPT
(Talkin 1995), is read back a fixed number of frames behind the newest one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Floats
from audio2mesh.sound import SAMPLE_RATE
from common.filters import filtered
from common.kernels import cached_njit

LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
CANDIDATES = 6
"""Periods that are considered for a frame."""
HOP = SAMPLE_RATE // FRAMES_PER_SECOND

_RATE = SAMPLE_RATE // 2  # of the low-passed voice whose periods are sought
_STEP = _RATE // FRAMES_PER_SECOND
_WINDOW = 240  # samples at _RATE: 30 ms are compared with 30 ms a period later
_SHORTEST, _LONGEST = int(_RATE / HIGHEST_HZ), int(np.ceil(_RATE / LOWEST_HZ))
_REACH = (_WINDOW + _LONGEST + 3) // 2  # samples at _RATE on each side of a frame's centre
_SPAN = 2 * (_REACH // _STEP + 1) + 1  # frames of sound around a frame, itself in the middle
_FAINT = 1e-8  # power, -80 dB of full scale, under which nothing repeats itself
_OCTAVE_COST = 0.02  # on each octave down from the highest pitch: 2, 3 periods repeat as well as 1

LOOKAHEAD = _SPAN // 2
"""Frames of sound after a frame that are needed to measure it."""

_FILTERS: tuple[NDArray[np.float64], ...] = tuple(
    np.hstack([zeros, poles])
    for zeros, poles in (
        (  # no rumble
            [[0.9834772033538365, -1.966954406707673, 0.9834772033538365]],
            [[1.0, -1.9666813852634852, 0.9672274281518607]],
        ),
        (  # the voice band
            [[0.025823535079709203, 0.051647070159418405, 0.025823535079709203], [1.0, -2.0, 1.0]],
            [
                [1.0, -1.518323313796177, 0.6265232792999677],
                [1.0, -1.9566685013039862, 0.9577794081171858],
            ],
        ),
    )
)
"""Second-order sections of Butterworth filters of order 2 at 16 kHz: a highpass of 60 Hz, and a
bandpass of 80 to 1,000 Hz."""


@dataclass(frozen=True)
class Measured:
    """n frames."""

    level: Floats  # [n] dB of full scale over 30 ms, of the sound above 60 Hz
    voice_level: Floats  # [n] the same, of the sound from 80 to 1,000 Hz
    octaves: Floats  # [n, CANDIDATES] log2 of the pitch in Hz
    cost: Floats  # [n, CANDIDATES] 0 for perfect repetition, about 1 for noise; inf where none


class PeriodMeter:
    """Cuts a stream of samples into frames and measures each when its surroundings are known."""

    def __init__(self) -> None:
        self.samples = 0
        self._filtering = [np.zeros((len(sections), 2, 1)) for sections in _FILTERS]
        self._waiting = np.zeros(0, np.float32)  # less than a frame of sound
        self._around = np.zeros((LOOKAHEAD, 2 * HOP + _STEP), np.float32)

    def push(self, samples: NDArray[np.floating]) -> Measured:
        """Measure the frames of which all is heard. samples [s] mono at 16 kHz."""
        self.samples += len(samples)
        waiting = np.concatenate([self._waiting, samples.astype(np.float32, copy=False)])
        whole = len(waiting) // HOP * HOP
        self._waiting = waiting[whole:]
        self._around = np.concatenate([self._around, self._filtered(waiting[:whole])])
        ready = max(0, len(self._around) - _SPAN + 1)
        rows, self._around = self._around, self._around[ready:]
        return _measure(rows, ready)

    def _filtered(self, samples: Floats) -> Floats:
        """[s] → [s / HOP, 2 HOP + STEP]: each frame's sound, its voice band, that at half rate."""
        if not len(samples):
            return np.zeros((0, 2 * HOP + _STEP), np.float32)
        parts: list[Floats] = []
        for sections, state in zip(_FILTERS, self._filtering, strict=True):
            part = filtered(sections, samples[:, None], state)
            parts.append(part.astype(np.float32).reshape(-1, HOP))
        return np.concatenate([*parts, parts[1][:, ::2]], axis=1)


def _measure(rows: Floats, frames: int) -> Measured:
    halved = np.ascontiguousarray(rows[:, 2 * HOP :]).reshape(-1)
    octaves, cost = _candidates(difference(halved, frames))
    level = _levels(rows[:, :HOP], frames)
    return Measured(level, _levels(rows[:, HOP : 2 * HOP], frames), octaves, cost)


def _levels(sound: Floats, frames: int) -> Floats:
    """Of rows [LOOKAHEAD + n + LOOKAHEAD, HOP] of sound: dB [n], the middle one counting twice."""
    power = np.square(sound, dtype=np.float64).mean(axis=1)[LOOKAHEAD - 1 :]
    three = power[:frames] + 2 * power[1 : frames + 1] + power[2 : frames + 2]
    return (10 * np.log10(three / 4 + 1e-12)).astype(np.float32)


@cached_njit(fastmath=True, error_model="numpy")
def difference(halved: Floats, frames: int) -> Floats:
    """Normalised difference [n, LONGEST + 2] by lag: 0 where the sound repeats itself, 1 for noise.

    halved: the voice band at 8 kHz, LOOKAHEAD frames more on either side than are asked for.
    """
    found = np.ones((frames, _LONGEST + 2), np.float32)
    power = np.empty(2 * _REACH + 1)
    for t in range(frames):
        centre = (t + LOOKAHEAD) * _STEP + _STEP // 2
        first = centre - _REACH
        power[0] = 0.0
        for j in range(2 * _REACH):
            power[j + 1] = power[j] + halved[first + j] * halved[first + j]
        for lag in range(_SHORTEST - 1, _LONGEST + 2):
            a = centre - _WINDOW // 2 - lag // 2
            b = a + lag
            early, late = halved[a : a + _WINDOW], halved[b : b + _WINDOW]
            total = np.float32(0)
            for j in range(_WINDOW):
                total += (early[j] - late[j]) ** 2
            both = power[a - first + _WINDOW] - power[a - first]
            both += power[b - first + _WINDOW] - power[b - first]
            faint = 2 * _WINDOW * _FAINT
            found[t, lag] = (total + faint) / (both + faint)
    return found


def _candidates(found: Floats) -> tuple[Floats, Floats]:
    """The lowest local minima of each frame's difference: log2 Hz and cost [n, CANDIDATES]."""
    lags = np.arange(_SHORTEST, _LONGEST + 1)
    before, here, after = (found[:, lags + step].astype(np.float64) for step in (-1, 0, 1))
    minimum = (here < before) & (here <= after)
    bend = np.where(minimum, before - 2 * here + after, 1)
    shift = np.where(minimum, 0.5 * (before - after) / bend, 0)
    pitch = np.log2(_RATE / (lags + shift))
    price = here - 0.25 * (before - after) * shift
    price += _OCTAVE_COST * (np.log2(HIGHEST_HZ) - pitch)
    price[~minimum] = np.inf
    lowest = price.argsort(axis=1, kind="stable")[:, :CANDIDATES]
    cost = np.take_along_axis(price, lowest, 1).astype(np.float32)
    octaves = np.take_along_axis(pitch, lowest, 1).astype(np.float32)
    return np.where(np.isinf(cost), np.float32(0), octaves), cost


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
        state = 0
        for j in range(1, _STATES):
            if reached[j] < reached[state]:
                state = j
        for j in range(_STATES):  # slices take seconds to compile
            total[j] = reached[j] - reached[state]
        for back in range(LAG):
            state = before[(frames + n - back) % (LAG + 1), state]
        settled[n] = pitch[(frames + n - LAG) % (LAG + 1), state]
