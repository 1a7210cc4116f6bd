"""One conversation: samples that are said and heard in, timed rows of coefficients out. Nothing is
sent or read here."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh.model.live import LiveMotion
from audio2mesh.sound import SAMPLE_RATE
from avatar.behaviour.performance import NOTHING, Life, still
from avatar.drive.emotion import joined
from avatar.geometry.vectors import smoothstep
from avatar.live.speaker import POSE, Speaker
from avatar.page.build import pose_array

Rows = NDArray[np.floating]
SHUT_SECONDS = 0.08
"""Time in which an interrupted mouth closes; the rest of 0.12 s is for computing and drawing."""
MOUTH_SECONDS = 0.15
"""Cross-fade of the mouth into the next turn."""
SETTLE_SECONDS = 0.6
"""Cross-fade of head, eyes and brows into the next turn."""
REMEMBERED_SECONDS = 60
"""History of rows that a listener may not have heard yet."""


@dataclass(frozen=True)
class Frames:
    """Consecutive rows."""

    turn: int
    """grows with every interruption and end, and when the avatar begins to speak after it has
    listened; time begins anew with it"""
    sample: int
    """the first row's time in samples of the turn's sound, which is another's where the avatar
    listens; less than 0 before its beginning"""
    rows: NDArray[np.float32]  # [f, C + U + POSE], at the speaker's frame rate

    def __len__(self) -> int:
        return len(self.rows)


class Session:
    """Push samples, get frames; the same samples give the same frames however they are cut up. Time
    is the count of samples pushed or skipped in the present turn: in one that begins with another's
    voice alone, of that voice.
    """

    def __init__(self, speaker: Speaker) -> None:
        self.speaker, self._fps = speaker, speaker.model.fps
        self._visible = speaker.rest.numpy()  # the row from which the turn begins
        self._given: deque[Frames] = deque()  # that a listener may not have seen yet
        self._turn, self._takes = -1, 0
        self._begin()

    @property
    def latency(self) -> float:
        """Longest time in seconds from a frame's start until it is returned."""
        life = self._rows.life
        return max(self._motion.latency, life.latency if life else 0.0)

    @property
    def listening_latency(self) -> float:
        """The same while another's voice alone is pushed."""
        life = self._rows.life
        return life.listening_latency if life else 0.0

    def push(self, samples: NDArray[np.floating], heard: NDArray[np.floating] = NOTHING) -> Frames:
        """Say samples [s], float32 mono at 16 kHz; the frames that became ready, often none.

        heard [h]: what another says meanwhile, from the turn's beginning on; frames that were made
        already do not answer it. In a turn that begins with another's voice alone the avatar
        listens, and its mouth rests, until it has samples to say, which begin the next turn.
        """
        if len(samples) and self._listens:
            self._stay()
            self._begin(answers=True)
        if len(heard) and not len(samples) and not self._heard:
            self._listens = True
        if self._listens:
            self._heard += len(heard)
            return self._give(self._rows.listen(self._after_lead(heard)))
        self._heard += len(samples)
        samples = self._after_lead(samples)
        speech = self._motion.push(samples.astype(np.float32, copy=False))
        return self._give(self._rows.push(samples, speech, heard))

    def skip(self, count: int) -> None:
        """Continue so many samples later in the same turn, without their frames and those that
        still wait for their look-ahead. The last row is held and cross-fades into the next
        frames."""
        self._heard += count
        self._done = -(-self._heard * self._fps // SAMPLE_RATE)
        self._lead = self._sample(self._done) - self._heard
        self._stay()
        self._listen()

    def finish(self) -> Frames:
        """The frames that remain when the speech has ended; what is pushed next is a new turn."""
        if self._heard > self._sample(self._first):
            said = self._motion.finish() if not self._listens else None
            left = self._rows.finish(said)
        else:
            left = self._rows.none()
        frames = self._give(left)
        self._stay()
        self._begin()
        return frames

    def interrupt(self, turn: int | None = None, heard: int = 0) -> Frames:
        """Drop what was not heard yet; the frames before the next turn in which the mouth closes.

        turn, heard: how many samples of which turn the listener has heard; by default all.
        """
        self._stay()
        visible = self._visible if turn is None else self._row_at(turn, heard)
        mouth, rest = len(self.speaker.mouth_names), self.speaker.rest.numpy()
        count = max(1, round(SHUT_SECONDS * self._fps))
        rows = np.tile(visible, (count, 1))
        shares = smoothstep(0.0, 1.0, np.arange(1, count + 1) / count)[:, None]
        rows[:, :mouth] += shares * (rest[:mouth] - visible[:mouth])
        self._visible = rows[-1]
        self._given.clear()
        self._begin()
        return self._kept(Frames(self._turn, self._sample(-count), rows.astype(np.float32)))

    def _begin(self, answers: bool = False) -> None:
        """The next turn; answers: whether another has spoken just before."""
        self._turn += 1
        self._listens, self._answers = False, answers
        self._heard, self._done = 0, 0  # samples, and frames that are over, of the turn
        self._lead = 0  # samples to come that are skipped, because no frame begins among them
        self._listen()

    def _listen(self) -> None:
        """Start anew from the next frame on."""
        self._first = self._done
        self._motion = LiveMotion(self.speaker.model, self.speaker.style)
        self._rows = RowAssembler(self.speaker, self._takes, self._answers)
        self._takes += 1

    def _after_lead(self, samples: NDArray[np.floating]) -> NDArray[np.floating]:
        lead = min(self._lead, len(samples))
        self._lead -= lead
        return samples[lead:]

    def _stay(self) -> None:
        """The next frames start from the last row."""
        if self._given:
            self._visible = self._given[-1].rows[-1]

    def _sample(self, frame: int) -> int:
        """The first sample of a frame."""
        return -(-frame * SAMPLE_RATE // self._fps)

    def _give(self, rows: Tensor) -> Frames:
        """Frames of rows [f, C + U + POSE], cross-faded from the row visible before."""
        made, first = rows.numpy(), self._done
        seconds = (np.arange(len(made)) + first - self._first + 0.5) / self._fps
        if len(made) and seconds[0] < SETTLE_SECONDS:
            mouth = len(self.speaker.mouth_names)
            made = crossed(self._visible, made, seconds, SETTLE_SECONDS, slice(mouth, None), POSE)
            made = crossed(self._visible, made, seconds, MOUTH_SECONDS, slice(0, mouth))
        self._done += len(made)
        return self._kept(Frames(self._turn, self._sample(first), made.astype(np.float32)))

    def _kept(self, frames: Frames) -> Frames:
        """Keep frames until they were certainly seen."""
        if len(frames):
            self._given.append(frames)
        while sum(map(len, self._given)) > REMEMBERED_SECONDS * self._fps:
            self._given.popleft()
        return frames

    def _row_at(self, turn: int, heard: int) -> NDArray[np.floating]:
        """The row visible after so many samples of a turn."""
        past = [given for given in self._given if (given.turn, given.sample) <= (turn, heard)]
        if not past:
            return self._given[0].rows[0] if self._given else self._visible
        frame = (heard - past[-1].sample) * self._fps // SAMPLE_RATE
        return past[-1].rows[min(frame, len(past[-1]) - 1) if past[-1].turn == turn else -1]


class RowAssembler:
    """Joins speech and life, which come in pieces of different lengths, to rows."""

    def __init__(self, speaker: Speaker, turn: int, answers: bool = False) -> None:
        self.speaker, self.life = speaker, speaker.life(turn, answers)
        self._emotion = speaker.live_emotion()
        self._speech = torch.zeros(0, len(speaker.basis))  # coefficients that wait for life
        self._lives = still(0)  # life that waits for speech
        self._samples, self._rested = 0, 0  # listened to, and frames of a resting mouth

    def push(
        self,
        samples: NDArray[np.floating],
        speech: Tensor,
        heard: NDArray[np.floating] = NOTHING,
    ) -> Tensor:
        """Rows [f, C + U + POSE] that are complete with samples [s] and the speech's coefficients
        [g, K] that they made ready; heard [h]: of another's voice."""
        life = self.life.push(samples, heard) if self.life else still(0)
        return self._complete(speech.cpu(), life)

    def listen(self, heard: NDArray[np.floating]) -> Tensor:
        """Rows that are complete with another's samples [h]; the mouth rests."""
        self._samples += len(heard)
        life = self.life.listen(heard) if self.life else still(0)
        return self._complete(self._resting(len(life.head_pose)), life)

    def finish(self, speech: Tensor | None) -> Tensor:
        """The rows that remain, with the last coefficients [g, K] of the speech; None: of a turn
        in which it listened."""
        life = self.life.finish() if self.life else still(0)
        left = self._resting(len(life.head_pose)) if speech is None else speech.cpu()
        return self._complete(left, life)

    def _resting(self, frames: int) -> Tensor:
        """Coefficients of a mouth at rest, for a life of so many frames; for a still face as many
        as were listened to."""
        due = self._samples * self.speaker.model.fps // SAMPLE_RATE - self._rested
        count = frames if self.life else due
        self._rested += count
        return torch.zeros(count, len(self.speaker.basis))

    def none(self) -> Tensor:
        """No rows."""
        return torch.zeros(0, len(self.speaker.names) + POSE)

    def _complete(self, speech: Tensor, life: Life) -> Tensor:
        self._speech = torch.cat([self._speech, speech])
        missing = len(self._speech) - len(self._lives.head_pose)
        life = life if self.life else still(missing)
        self._lives = life if not len(self._lives.head_pose) else self._lives.then(life)
        count = min(len(self._speech), len(self._lives.head_pose))
        if not count:
            return self.none()
        rows = self._rows(self._speech[:count], self._lives.part(slice(count)))
        self._speech = self._speech[count:]
        self._lives = self._lives.part(slice(count, None))
        return rows

    def _rows(self, speech: Tensor, life: Life) -> Tensor:
        units = life.unit_weights
        if self._emotion:
            speech, weights = self._emotion.push(speech)
            units = joined(weights, units)
        columns = [units[name].float()[:, None] for name in self.speaker.unit_names]
        face = self.speaker.face
        poses = face.to_head.inverse().of_motions(life.head_pose)
        return torch.cat([speech, *columns, torch.from_numpy(pose_array(poses))], 1)


def crossed(
    before: Rows, rows: Rows, times: Rows, seconds: float, columns: slice, pose: int = 0
) -> Rows:
    """Rows [f, C] whose columns leave the row `before` [C] within so many seconds.

    times [f]: of the rows, in seconds from where they begin; pose: how many columns at the end are
    a quaternion xyzw and a shift, which takes the shorter way.
    """
    share = smoothstep(0.0, seconds, times)[:, None]
    start = np.array(before, np.float64)
    found = np.array(rows, np.float64)
    if pose and len(found) and start[-pose : -pose + 4] @ found[0, -pose : -pose + 4] < 0:
        start[-pose : -pose + 4] *= -1
    found[:, columns] = start[columns] + share * (found[:, columns] - start[columns])
    if pose:
        turns = found[:, -pose : -pose + 4]
        turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    return found
