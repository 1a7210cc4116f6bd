"""Frames as OpenAvatarChat's page takes them: ARKit weights and sound in one binary message.

For a handler, `weights` are what its `arkit_face` holds; for a server in its place, `definition`
goes first over /ws/lam_data_stream, then whatever `speak` and `end` give. Any avatar of ours as it
draws them: `voicesplat export --avatar A.ply --out A.zip`. Written after OpenAvatarChat 0.5.1.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.arkit import WEIGHTS
from avatar.arkit.solve import solve_bounded
from avatar.live.performance import Moment, Pcm, Performance
from avatar.live.speaker import POSE, Speaker

CHANNELS = (*sorted(name for name in WEIGHTS if name != "tongueOut"), "tongueOut")
"""The order of its weights."""
RATE = 30  # of its frames, a second
RIDGE = 1e-6
"""Of the mean diagonal: units that hardly move a mesh stay near 0."""


class WeightsFinder:
    """The ARKit weights that come nearest to a row, by least squares over all vertices."""

    def __init__(self, speaker: Speaker) -> None:
        head = speaker.face.head
        units = torch.stack([head.unit(name) for name in CHANNELS]).flatten(1).double()
        self._gram = units @ units.T
        self._gram += RIDGE * self._gram.diagonal().mean() * torch.eye(len(units))
        self._projected = speaker.directions().flatten(1).double() @ units.T  # [C + U, 52]

    def weights(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """[F, 52] in [0, 1], in the order of CHANNELS, of rows [F, C + U + POSE]."""
        numbers = torch.from_numpy(rows[:, :-POSE]).double()
        return solve_bounded(self._gram, numbers @ self._projected).float().numpy()


class MotionStream:
    """One conversation."""

    def __init__(self, speaker: Speaker, rate: int = 24_000) -> None:
        """rate: of the sound, in samples a second."""
        self._performance = Performance(speaker, rate)
        self._finder, self._rate = WeightsFinder(speaker), rate
        self._batch, self._rows, self._shown = 0, np.zeros((0, len(CHANNELS)), np.float32), 0

    def definition(self) -> bytes:
        """What is sent first: what the records are."""
        face, sound = np.zeros((1, len(CHANNELS)), np.float32), np.zeros((1, 1), np.int16)
        return _message(face, sound, self._rate, {}, channel_names=[*CHANNELS])

    def speak(self, sound: Pcm) -> list[bytes]:
        """Messages that sound [s], which follows what was said before, made ready."""
        return self._messages(self._performance.speak(sound), ended=False)

    def end(self) -> list[bytes]:
        """The last messages of an utterance."""
        return self._messages(self._performance.end(), ended=True)

    def interrupt(self) -> None:
        """Forget the utterance; the page itself stops what it plays."""
        self._performance.interrupt()
        self._next_batch()

    def _messages(self, moments: Sequence[Moment], ended: bool) -> list[bytes]:
        if not moments and not ended:
            return []
        begins = not self._shown
        if moments:
            rows = np.stack([moment.row for moment in moments])
            self._rows = np.concatenate([self._rows, self._finder.weights(rows)])
        sound = np.concatenate([np.zeros(0, np.int16), *(moment.sound for moment in moments)])
        told: dict[str, Any] = {
            "batch_name": str(self._batch),
            "batch_id": self._batch,
            "start_of_batch": begins,
            "end_of_batch": ended,
        }
        message = _message(self._sampled(ended), sound[None], self._rate, told)
        if ended:
            self._next_batch()
        return [message]

    def _sampled(self, ended: bool) -> NDArray[np.float32]:
        """The weights at the page's own rate, as far as they are known."""
        fps, known = self._performance.fps, len(self._rows)
        count = round(known * RATE / fps) if ended else int((known - 0.5) * RATE / fps + 0.5)
        places = (np.arange(self._shown, max(count, self._shown)) + 0.5) * fps / RATE - 0.5
        self._shown = max(count, self._shown)
        places = np.clip(places, 0, max(known - 1, 0))
        first = places.astype(int)
        second = np.minimum(first + 1, max(known - 1, 0))
        if not known:
            return np.zeros((0, len(CHANNELS)), np.float32)
        share = (places - first)[:, None]
        mixed = (1 - share) * self._rows[first] + share * self._rows[second]
        return mixed.astype(np.float32)

    def _next_batch(self) -> None:
        self._batch += 1
        self._rows, self._shown = self._rows[:0], 0


def _message(
    face: NDArray[np.float32],
    sound: NDArray[np.int16],
    rate: int,
    told: dict[str, Any],
    channel_names: Sequence[str] = (),
) -> bytes:
    """A message of two records: sound [1, s], and weights [F, 52]."""
    audio = _record(sound, 0, 0, rate, timeline=1)
    weights = _record(face, 1, sound.nbytes, RATE, timeline=0, channel=1)
    weights["channel_names"] = [*channel_names]
    described = {
        "data_records": {"audio": audio, "arkit_face": weights},
        "metadata": {},
        "events": [],
        "batch_name": None,
        "batch_id": None,
        "start_of_batch": None,
        "end_of_batch": False,
    }
    text = json.dumps(described | told).encode()
    data = sound.astype("<i2").tobytes() + face.astype("<f4").tobytes()
    return b"JBIN" + struct.pack("<II", len(text), len(data)) + text + data


def _record(
    array: NDArray, number: int, offset: int, rate: int, timeline: int, channel: int | None = None
) -> dict[str, Any]:
    return {
        "data_type": array.dtype.name,
        "data_offset": offset,
        "shape": [*array.shape],
        "channel_names": [],
        "sample_rate": rate,
        "metadata": {},
        "data_id": number,
        "timeline_axis": timeline,
        "channel_axis": channel,
    }
