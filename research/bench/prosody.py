"""How long listening takes."""

import time
from pathlib import Path

import numpy as np

from audio2mesh.prosody.listener import ProsodyListener, prosody_of
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio

_PUSH = 320  # samples that live speech arrives in


def measure_prosody(voice: Path, seconds: float) -> tuple[float, float]:
    """Seconds of sound for each second of one core's time: all at once, and in pushes of 20 ms.

    voice: a recording, repeated or cut to a length of so many seconds.
    """
    samples = load_audio(voice)
    prosody_of(samples[:SAMPLE_RATE])  # compiles the kernels
    sound = np.resize(samples, round(seconds * SAMPLE_RATE))
    started = time.process_time()
    prosody_of(sound)
    whole = time.process_time() - started
    listener, started = ProsodyListener(), time.process_time()
    for push in np.split(sound, range(_PUSH, len(sound), _PUSH)):
        listener.push(push)
    return seconds / whole, seconds / (time.process_time() - started)
