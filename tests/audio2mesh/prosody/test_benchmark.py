"""Listening is cheap, and it stays so as the recording goes on."""

import time
import tracemalloc

import numpy as np
from voices import utterance

from audio2mesh.prosody.listener import ProsodyListener, prosody_of
from audio2mesh.sound import SAMPLE_RATE

VOICE = utterance([6, 8], [2, 9], np.random.default_rng(0))[0].astype(np.float32)


def test_it_is_200_times_faster_than_real_time():
    prosody_of(VOICE)  # compiles the kernels
    sound = np.resize(VOICE, 60 * SAMPLE_RATE)
    started = time.process_time()
    prosody_of(sound)
    at_once, listener = time.process_time(), ProsodyListener()
    for push in np.split(sound, range(320, len(sound), 320)):
        listener.push(push)
    assert at_once - started < 60 / 200 and time.process_time() - at_once < 60 / 20


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
