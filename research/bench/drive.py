"""Time whole drives and speech to motion, each in a process of its own with its own memory."""

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from subprocess import DEVNULL, PIPE, run
from typing import TypeVar

import numpy as np
import torch

from audio2mesh import load_audio, load_model, stream_offsets
from audio2mesh.model.live import LiveMotion
from audio2mesh.sound import SAMPLE_RATE
from avatar.drive.report import Report, peak_rss_mb
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry
from common.errors import InputError
from common.wav_files import write_wav

_PUSH = 320  # samples that live speech arrives in

Result = TypeVar("Result")


@dataclass(frozen=True)
class SpeechTimes:
    """How long audio → vertex offsets takes, after the weights are loaded."""

    threads: int
    ratio: float  # seconds of sound per second of computing
    per_core: float  # seconds of sound per second of one core's time, which others cannot take
    peak_rss_mb: float


@dataclass(frozen=True)
class LiveTimes:
    """The same on one thread while the speech goes on."""

    latency: float  # seconds, the longest from a frame's start to the moment it could come out
    share: float  # seconds of one core's time per second of sound
    longest: float  # seconds on the clock that the longest push took
    error: float  # mm², as the lip vertex error, from the offline motion


def alone(measure: Callable[..., Result], *given: object) -> Result:
    """What `measure` returns in a new process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measure, *given).result()


def measure_speech(voice: Path, seconds: float) -> SpeechTimes:
    """Time the voice, repeated or cut to a length, through the shipped weights."""
    model = load_model()
    started = time.perf_counter(), time.process_time()
    frames = sum(len(chunk) for chunk in stream_offsets(model, repeated(voice, seconds)))
    spent, busy = time.perf_counter() - started[0], time.process_time() - started[1]
    assert frames == round(seconds * model.fps)
    return SpeechTimes(torch.get_num_threads(), seconds / spent, seconds / busy, peak_rss_mb())


def measure_live(voice: Path, seconds: float) -> LiveTimes:
    """Push the voice, repeated or cut to a length, through the shipped weights."""
    torch.set_num_threads(1)
    model, lips = load_model(), face_geometry(load_head()).lips
    live, pushes, motion = LiveMotion(model), [], []
    sound = np.concatenate([*repeated(voice, seconds)])
    busy = time.process_time()
    for start in range(0, len(sound), _PUSH):
        started = time.perf_counter()
        offsets = model.motion(live.push(sound[start : start + _PUSH])).offsets()
        pushes.append(time.perf_counter() - started)
        motion.append(offsets[:, lips])
    motion.append(model.motion(live.finish()).offsets()[:, lips])
    share = (time.process_time() - busy) / seconds
    offline = torch.cat([chunk[:, lips] for chunk in stream_offsets(model, [sound])])
    apart = (torch.cat(motion) - offline).square().sum(-1).amax(-1).mean()
    return LiveTimes(live.latency, share, max(pushes), float(apart) * 1e6)


def repeated(voice: Path, seconds: float) -> Iterator[np.ndarray]:
    """The sound of a voice for so many seconds, from the start again where it ends, in pieces."""
    samples, left = load_audio(voice), round(seconds * SAMPLE_RATE)
    while left > 0:
        yield samples[:left]
        left -= len(samples)


def measure_drive(
    command: Sequence[str], avatar: Path, voice: Path, seconds: float, options: Iterable[str] = ()
) -> Report:
    """The report of the drive command over `voice`, repeated or cut to a length in seconds.

    Raises InputError with what the command said if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        audio, report = Path(folder) / "voice.wav", Path(folder) / "report.json"
        write_wav(audio, np.concatenate([*repeated(voice, seconds)]), SAMPLE_RATE)
        words = [*command, "--avatar", str(avatar), "--audio", str(audio), *options]
        words += ["--out", str(report.with_suffix(".mp4")), "--report", str(report)]
        done = run(words, stdout=DEVNULL, stderr=PIPE, text=True, check=False)
        if done.returncode:
            raise InputError(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
        saved = json.loads(report.read_text())
        return Report(**{field.name: saved[field.name] for field in fields(Report)})
