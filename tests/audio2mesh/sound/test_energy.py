"""How loud each video frame is, against a plain loop."""

import itertools
import math
import time
import tracemalloc

import numpy as np
import pytest
from sounds import frame_energy

from audio2mesh.sound.waveform import frame_count


@pytest.mark.parametrize("fps", [25.0, 30.0, 30_000 / 1001, 24.0])
@pytest.mark.parametrize("samples", [33_333, 33_200, 100])
def test_frame_energy_equals_the_plain_loop(fps: float, samples: int) -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, samples).astype(np.float32)
    energy = frame_energy(iter(np.array_split(sound, 7)), fps)
    assert len(energy) == frame_count(len(sound), fps)
    time = np.arange(len(sound)) / 16_000
    for index, value in enumerate(energy):
        end = math.inf if index == len(energy) - 1 else (index + 1) / fps
        inside = (time >= index / fps - 1e-9) & (time < end - 1e-9)
        assert value == pytest.approx(np.sqrt(np.mean(sound[inside] ** 2)), rel=1e-5)


def test_frame_energy_of_no_sound_is_one_silent_frame() -> None:
    assert frame_energy(iter([]), 25).tolist() == [0]


def test_frame_energy_takes_empty_blocks() -> None:
    empty, half = np.zeros(0, np.float32), np.full(640, 0.5, np.float32)
    assert frame_energy(iter([empty, half, empty]), 25).tolist() == [0.5]


def test_frame_energy_costs_the_same_for_each_minute() -> None:
    """Four times the recording takes four times the time, not sixteen, and some bytes a frame."""
    block = np.random.default_rng(5).normal(0, 0.1, 640).astype(np.float32)

    def seconds(blocks: int) -> float:
        begin = time.process_time()
        frame_energy(itertools.repeat(block, blocks), 240.0)
        return time.process_time() - begin

    short, long = (min(seconds(blocks) for _ in range(2)) for blocks in (5_000, 20_000))
    assert long < 8 * short
    tracemalloc.start()
    energy = frame_energy(itertools.repeat(block, 20_000), 240.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 128 * len(energy)
