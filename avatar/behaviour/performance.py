"""Head poses and unit weights of everything that moves besides the mouth, frame by frame: for whole
recordings, optionally with a learned network for the head, and for live speech."""

from dataclasses import dataclass
from functools import reduce
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh.model.motion import sample_curves
from audio2mesh.pose_vae.network import PoseNet, head_motion
from audio2mesh.pose_vae.tracks import FPS, voice_features
from audio2mesh.prosody.listener import ProsodyListener
from audio2mesh.prosody.record import Prosody
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import frame_count
from avatar.behaviour.blinks import BREATH
from avatar.behaviour.blinks import WEIGHTS as BROW_WEIGHTS
from avatar.behaviour.gaze import eyes_in_head
from avatar.behaviour.listening import LATE, SMILE_WEIGHTS
from avatar.behaviour.motion import COLUMNS, Behaviour, LifeMaker
from avatar.behaviour.speech_events import RATE, in_parts, silence
from avatar.geometry.rotations import head_poses
from avatar.geometry.vectors import Floats
from avatar.heads.arkit import look_weights


def learned_head(net: PoseNet, prosody: Prosody, fps: float, frames: int, take: int) -> Floats:
    """Yaw, pitch and roll [F, 3] in degrees at the middles of a film's frames."""
    made = head_motion(net, voice_features(prosody, ceil(frames / fps * FPS) + 1), take)
    positions = (torch.arange(frames, dtype=torch.float64) + 0.5) / fps * FPS - 0.5
    return sample_curves(made, positions).double().numpy()


BLINK_UNITS = ("eyeBlinkLeft", "eyeBlinkRight")
BESIDE_GAZE = (*BLINK_UNITS, *BROW_WEIGHTS)
"""The moved units without those that turn the eyes."""
PART = 1000  # frames of prosody that are heard at a time
CHUNK = 8192  # frames whose poses are computed at a time


@dataclass(frozen=True)
class Life:
    """What moves besides the mouth, per frame."""

    unit_weights: dict[str, Tensor]  # ARKit unit, or breath → [F] weights in [0, 1]
    head_pose: Tensor  # [F, 4, 4] rigid motion of the head about its pivot, head space

    def part(self, frames: slice) -> "Life":
        """Some of the frames."""
        units = {name: weights[frames] for name, weights in self.unit_weights.items()}
        return Life(units, self.head_pose[frames])

    def then(self, other: "Life") -> "Life":
        """One after the other, of the same units."""
        units = {n: torch.cat([w, other.unit_weights[n]]) for n, w in self.unit_weights.items()}
        return Life(units, torch.cat([self.head_pose, other.head_pose]))


def live(
    prosody: Prosody,
    fps: float,
    frames: int,
    pivot: Tensor,
    behaviour: Behaviour,
    net: PoseNet | None = None,
    heard: Prosody | None = None,
) -> Life:
    """Life for a recording of so many frames; the same behaviour gives the same life.

    pivot [3]: metres, the joint on which the head turns; net: moves the head in place of the
    generator; heard: of another's voice that is listened to. Beyond their ends they are silent.
    """
    maker, sampler = LifeMaker(behaviour), Sampler(fps)
    for piece in in_parts(heard, PART) if heard else ():
        maker.listen(piece)
    missing = max(0, round(frames / fps * RATE) - len(prosody))
    pieces = [*in_parts(prosody, PART), *in_parts(silence(missing), PART)]
    rows = [sampler.push(maker.hear(piece)) for piece in pieces]
    rows += [sampler.push(maker.finish())]
    rows += [sampler.finish(frames - sum(map(len, rows)))]
    made = np.concatenate(rows)[:frames]
    if net is not None:
        made[:, :3] = behaviour.head * learned_head(net, prosody, fps, frames, behaviour.take)
    chunks = [made[first : first + CHUNK] for first in range(0, frames, CHUNK)]
    parts = [life_of_rows(chunk, pivot, heard is not None) for chunk in chunks]
    return reduce(Life.then, parts)


def still(frames: int) -> Life:
    """The head at rest and no units: nothing but speech moves."""
    return Life({}, torch.eye(4).expand(frames, 4, 4))


def life_of_rows(rows: Floats, pivot: Tensor, listens: bool) -> Life:
    """The life in frames [F, COLUMNS] of a LifeMaker, of a head with this pivot [3]; listens:
    whether it smiles at another."""
    head, look, lids, brows = rows[:, :3], rows[:, 3:5], rows[:, 5], rows[:, 6]
    units = {name: lids for name in BLINK_UNITS}
    units |= {name: weight * brows for name, weight in BROW_WEIGHTS.items()}
    units |= look_weights(eyes_in_head(look, head)) | {BREATH: rows[:, 7]}
    if listens:
        units |= {name: weight * rows[:, 8] for name, weight in SMILE_WEIGHTS.items()}
    weights = {name: torch.from_numpy(values).float() for name, values in units.items()}
    return Life(weights, head_poses(torch.from_numpy(np.radians(head)).float(), pivot))


class Sampler:
    """Resamples rows, RATE a second, to the centres of a film's frames."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._rows, self._first = np.zeros((0, COLUMNS)), 0  # buffered, and the index of the first
        self._done = 0  # frames

    def push(self, rows: Floats) -> Floats:
        """The frames [f, COLUMNS] that are complete with these rows [n, COLUMNS]."""
        self._rows = np.concatenate([self._rows, rows])
        last = self._first + len(self._rows) - 1
        count = int((last + 0.5) / RATE * self._fps + 0.5) - self._done
        frames = self._sampled(max(count, 0))
        spent = int(self._positions(1)[0]) - 1 - self._first
        spent = min(max(0, spent), len(self._rows))
        self._rows, self._first = self._rows[spent:], self._first + spent
        return frames

    def finish(self, frames: int) -> Floats:
        """So many frames more, which hold the last row."""
        return self._sampled(max(frames, 0))

    def _sampled(self, count: int) -> Floats:
        if not count:
            return self._rows[:0]
        positions = self._positions(count) - self._first
        positions = np.clip(positions, 0, len(self._rows) - 1)
        self._done += count
        before = positions.astype(int)
        after = np.minimum(before + 1, len(self._rows) - 1)
        share = (positions - before)[:, None]
        return (1 - share) * self._rows[before] + share * self._rows[after]

    def _positions(self, count: int) -> Floats:
        """Centres of the next frames, in rows."""
        return (np.arange(self._done, self._done + count) + 0.5) / self._fps * RATE - 0.5


HOP = 160
"""Samples that are processed at a time."""
Samples = NDArray[np.float32]
NOTHING: Samples = np.zeros(0, np.float32)
LOOKAHEAD = 0.13
"""Seconds of prosody that are known beyond each frame."""


BEHIND = round(ProsodyListener.latency * RATE) - LATE
"""Frames of another's sound that are heard beyond each frame in which one only listens."""


class LiveLife:
    """Life of speech that arrives bit by bit, the same however it is cut up.

    Beside `LiveMotion`: all frames together are as many as the recording has.
    """

    def __init__(
        self,
        fps: float,
        pivot: Tensor,
        behaviour: Behaviour | None = None,
        answers: bool = False,
    ) -> None:
        """pivot [3]: metres, the joint on which the head turns; answers: whether another has
        spoken just before."""
        self._fps, self._pivot = fps, pivot
        self._listener, self._other = ProsodyListener(), ProsodyListener()
        self._maker = LifeMaker(behaviour or Behaviour(), LOOKAHEAD, answers)
        self._sampler = Sampler(fps)
        self._waits, self._other_waits = NOTHING, NOTHING  # samples of incomplete hops
        self._samples, self._frames = 0, 0

    @property
    def latency(self) -> float:
        """Longest time in seconds from a frame's start until it is returned."""
        return ProsodyListener.latency + LOOKAHEAD + self._delay

    @property
    def listening_latency(self) -> float:
        """The same of frames of `listen`."""
        return BEHIND / RATE + self._delay

    @property
    def _delay(self) -> float:
        return HOP / SAMPLE_RATE + 0.5 / self._fps + 1 / RATE

    def push(self, samples: NDArray[np.floating], heard: NDArray[np.floating] = NOTHING) -> Life:
        """Hear samples [s], float32 mono at 16 kHz; the frames that became ready. heard [h]: what
        another says meanwhile."""
        self._hear(heard)
        self._samples += len(samples)
        hops, self._waits = hops_of(self._waits, samples)
        rows = [self._sampler.push(self._maker.hear(self._listener.push(hop))) for hop in hops]
        return self._life(rows)

    def listen(self, heard: NDArray[np.floating]) -> Life:
        """Be silent for as long as another's samples [h] last; the frames that became ready."""
        first = not self._samples
        self._samples += len(heard)
        hops = self._hear(heard)
        silent = hops + (self._maker.ahead - BEHIND if first else 0)
        return self._life([self._sampler.push(self._maker.hear(silence(silent)))])

    def finish(self) -> Life:
        """The frames that remain when the speech has ended, or the other's that was listened to."""
        self._maker.listen(self._other.push(self._other_waits))
        self._maker.listen(self._other.finish())
        pieces = [self._listener.push(self._waits), self._listener.finish()]
        rows = [self._maker.hear(piece) for piece in pieces]
        sampled = [self._sampler.push(row) for row in (*rows, self._maker.finish())]
        missing = frame_count(self._samples, self._fps) - self._frames
        sampled.append(self._sampler.finish(missing - sum(map(len, sampled))))
        return self._life([np.concatenate(sampled)[:missing]])

    def _hear(self, heard: NDArray[np.floating]) -> int:
        """Another's samples; how many hops they complete."""
        hops, self._other_waits = hops_of(self._other_waits, heard)
        if len(hops):
            self._maker.listen(self._other.push(hops.reshape(-1)))
        return len(hops)

    def _life(self, rows: list[Floats]) -> Life:
        frames = np.concatenate([np.zeros((0, COLUMNS)), *rows])
        self._frames += len(frames)
        return life_of_rows(frames, self._pivot, listens=True)


def hops_of(rest: Samples, samples: NDArray[np.floating]) -> tuple[Samples, Samples]:
    """The pieces [n, HOP] that are complete with samples [s] after those that waited [r], and what
    waits now."""
    waiting = np.concatenate([rest, samples.astype(np.float32)])
    whole = len(waiting) // HOP * HOP
    return waiting[:whole].reshape(-1, HOP), waiting[whole:]
