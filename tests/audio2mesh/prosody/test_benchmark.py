"""Listening is cheap, and it stays so as the recording goes on."""

import tracemalloc
from pathlib import Path

import numpy as np
from support import write_wav
from voices import utterance

from audio2mesh.prosody.listener import ProsodyListener
from research.bench.prosody import measure_prosody

VOICE = utterance([6, 8], [2, 9], np.random.default_rng(0))[0].astype(np.float32)


def test_it_is_200_times_faster_than_real_time(tmp_path: Path):
    at_once, live = measure_prosody(write_wav(tmp_path / "voice.wav", VOICE), 60)
    assert at_once > 200 and live > 20


def test_memory_does_not_grow_with_what_was_heard():
    listener = ProsodyListener()

    def held_after(pushes: int) -> int:
        for _ in range(pushes):
            listener.push(VOICE)
        return tracemalloc.get_traced_memory()[0]

    listener.push(VOICE)
    tracemalloc.start()
    first, later = held_after(3), held_after(12)
    tracemalloc.stop()
    assert later < first + 10_000
