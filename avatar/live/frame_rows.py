"""Speech, feelings and life, each as it comes, joined to rows of one turn."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.drive.feelings import joined
from avatar.face.shown import Life, still
from avatar.live.speaker import POSE, Speaker
from avatar.page.arrays import pose_array


class FrameRows:
    """Speech and life come in pieces of different lengths; a row waits for both."""

    def __init__(self, speaker: Speaker, turn: int) -> None:
        self.speaker, self.life, self._felt = speaker, speaker.life(turn), speaker.felt()
        self._speech = torch.zeros(0, len(speaker.basis))  # coefficients that wait for life
        self._lives = still(0)  # life that waits for speech

    def push(self, samples: NDArray[np.floating], speech: Tensor) -> Tensor:
        """Rows [f, C + U + POSE] that are complete with samples [s] and the speech's coefficients
        [g, K] that they made ready."""
        return self._complete(speech.cpu(), self.life.push(samples) if self.life else still(0))

    def finish(self, speech: Tensor) -> Tensor:
        """The rows that remain, with the last coefficients [g, K] of the speech."""
        return self._complete(speech.cpu(), self.life.finish() if self.life else still(0))

    def none(self) -> Tensor:
        """No rows."""
        return torch.zeros(0, len(self.speaker.names) + POSE)

    def _complete(self, speech: Tensor, life: Life) -> Tensor:
        self._speech = torch.cat([self._speech, speech])
        missing = len(self._speech) - len(self._lives.head_pose)
        self._lives = _longer(self._lives, life if self.life else still(missing))
        count = min(len(self._speech), len(self._lives.head_pose))
        if not count:
            return self.none()
        rows = self._rows(self._speech[:count], self._lives.part(slice(count)))
        self._speech = self._speech[count:]
        self._lives = self._lives.part(slice(count, None))
        return rows

    def _rows(self, speech: Tensor, life: Life) -> Tensor:
        units = life.unit_weights
        if self._felt:
            speech, felt = self._felt.push(speech)
            units = joined(felt, units)
        columns = [units[name].float()[:, None] for name in self.speaker.unit_names]
        face = self.speaker.face
        poses = face.to_head.inverse().of_motions(life.head_pose)
        return torch.cat([speech, *columns, torch.from_numpy(pose_array(poses))], 1)


def _longer(first: Life, second: Life) -> Life:
    """One after the other."""
    if not len(first.head_pose):
        return second
    units = {n: torch.cat([w, second.unit_weights[n]]) for n, w in first.unit_weights.items()}
    return Life(units, torch.cat([first.head_pose, second.head_pose]))
