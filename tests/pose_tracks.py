"""Made-up tracks of heads that nod with a made-up voice, and small trainings on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from support import write_wav
from voices import utterance

from audio2mesh.pose_vae.options import PoseFitOptions, PoseNetOptions, PoseTrainOptions
from audio2mesh.prosody.listener import prosody_of

FPS = 30


def write_tracks(folder: Path, count: int, sound: bool = True, degrees: float = 1.0) -> Path:
    """Tracks "0", "1", .. of about 10 s: pitch follows the loudness of the voice, yaw drifts."""
    folder.mkdir()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        speech, *_ = utterance([6, 9, 5, 8], [2, 8, 13, 20], rng, hz=rng.uniform(90, 220))
        energy = prosody_of(speech).energy
        times = (np.arange(int(len(speech) / 16_000 * FPS)) + 0.5) / FPS
        loud = np.interp(times, (np.arange(len(energy)) + 0.5) / 100, energy)
        drift = 4 * np.sin(2 * np.pi * (rng.uniform(0.05, 0.15) * times + rng.random()))
        head = degrees * np.stack([drift, loud / 10, 0.5 * drift], 1)
        np.savez(folder / f"{seed}.npz", head=head.astype(np.float32), fps=np.array(float(FPS)))
        if sound:
            write_wav(folder / f"{seed}.wav", speech)
    return folder


def small_options(data: Path, out: Path, steps: int = 4, **changes) -> PoseFitOptions:
    """A small network, trained for some steps; track "0" is held out."""
    train = PoseTrainOptions(steps=steps, batch=8, learning_rate=3e-3, average=0.9, save_every=2)
    options = PoseFitOptions((data,), out, ("0",), net=PoseNetOptions(16, 8), train=train)
    return replace(options, **changes)
