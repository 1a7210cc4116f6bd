"""A recording, decoded once → all that a talking head needs of it, as a few numbers a frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.prosody.listener import heard_prosody
from audio2mesh.prosody.record import Prosody, joined
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.energy import EnergyMeter
from audio2mesh.sound.waveform import stated_seconds, stream_audio
from common.progress import progress_bar


@dataclass(frozen=True)
class Heard:
    """F frames of a recording."""

    coefficients: tuple[Tensor, ...]  # [f, K] on the model's basis, F rows in total, on the CPU
    energy: NDArray[np.float32]  # [F] root mean square of the sound
    prosody: Prosody  # in its own frames of 10 ms
    fps: float
    seconds: float  # of the recording


def hear(
    model: SpeechToMotion, audio: Path, fps: float | None = None, style: str | None = None
) -> Heard:
    """Listen to a whole recording, with a progress bar.

    fps: frames a second, by default the weights' own; style: a speaking style of the weights.
    Raises as `stream_audio` and `stream_coefficients` do.
    """
    rate = float(model.fps if fps is None else fps)
    meter, stated = EnergyMeter(rate), stated_seconds(audio)
    total = None if stated is None else round(stated)
    coefficients: list[Tensor] = []
    pieces: list[Prosody] = []
    sound = heard_prosody(meter.passing(stream_audio(audio)), pieces.append)
    with progress_bar("listening", total, "× real time") as show:
        for chunk in stream_coefficients(model, sound, rate, style):
            coefficients.append(chunk.cpu())
            show(meter.samples // SAMPLE_RATE)
    energy = meter.energy()
    assert sum(map(len, coefficients)) == len(energy)
    seconds = meter.samples / SAMPLE_RATE
    return Heard(tuple(coefficients), energy, joined(pieces), rate, seconds)
