"""Messages as OpenAvatarChat's page reads them."""

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from speech_models import syllables

from avatar.arkit import WEIGHTS
from avatar.live.hosts.open_avatar_chat import CHANNELS, MotionStream, WeightsFinder
from avatar.live.speaker import POSE, Speaker

SOUND = (np.resize(syllables(2.0)[0], 48_000) * 32767).astype(np.int16)


def read(message: bytes) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """What a message says, its sound [1, s] and its weights [F, 52]."""
    magic, size, data = struct.unpack_from("<4sII", message)
    assert magic == b"JBIN" and len(message) == 12 + size + data
    told = json.loads(message[12 : 12 + size])
    arrays = []
    for name, kind in (("audio", "<i2"), ("arkit_face", "<f4")):
        record = told["data_records"][name]
        assert np.dtype(record["data_type"]) == np.dtype(kind)
        count = int(np.prod(record["shape"]))
        offset = 12 + size + record["data_offset"]
        arrays.append(np.frombuffer(message, kind, count, offset).reshape(record["shape"]))
    return told, arrays[0], arrays[1]


@pytest.fixture(scope="module")
def jaw(speaker: Speaker) -> Speaker:
    """One whose first direction of speech opens the jaw."""
    basis = speaker.basis * 0.02
    basis[0] = speaker.face.head.unit("jawOpen")
    return replace(speaker, basis=basis)


def test_the_definition_names_the_channels(speaker: Speaker):
    told, _, weights = read(MotionStream(speaker).definition())
    record = told["data_records"]["arkit_face"]
    assert record["channel_names"] == [*CHANNELS] and weights.shape == (1, 52)
    assert (record["timeline_axis"], record["channel_axis"], record["sample_rate"]) == (0, 1, 30)
    assert told["data_records"]["audio"]["sample_rate"] == 24_000
    assert set(CHANNELS) == set(WEIGHTS) and CHANNELS[0] == "browDownLeft"
    assert CHANNELS[-1] == "tongueOut"


def test_an_utterance_is_one_batch(jaw: Speaker):
    stream = MotionStream(jaw)
    for batch in range(2):
        messages = [m for part in np.array_split(SOUND, 20) for m in stream.speak(part)]
        messages += stream.end()
        told, sounds, weights = zip(*map(read, messages), strict=True)
        assert np.array_equal(np.concatenate(sounds, axis=1)[0], SOUND)
        assert sum(map(len, weights)) == 60  # two seconds
        assert [part["start_of_batch"] for part in told] == [True] + [False] * (len(told) - 1)
        assert [part["end_of_batch"] for part in told] == [False] * (len(told) - 1) + [True]
        assert {part["batch_id"] for part in told} == {batch}


def test_weights_are_those_of_the_row(jaw: Speaker):
    rows = jaw.rest.numpy()[None].repeat(3, 0)
    rows[:, 0] = [0.0, 0.5, 0.9]
    rows[1, jaw.names.index("eyeBlinkLeft")] = 0.7
    found = WeightsFinder(jaw).weights(rows)
    assert found.shape == (3, 52) and rows.shape[1] == len(jaw.names) + POSE
    assert np.allclose(found[:, CHANNELS.index("jawOpen")], [0, 0.5, 0.9], atol=1e-3)
    assert np.allclose(found[:, CHANNELS.index("eyeBlinkLeft")], [0, 0.7, 0], atol=1e-3)
    others = np.delete(found, [CHANNELS.index(n) for n in ("jawOpen", "eyeBlinkLeft")], axis=1)
    assert np.abs(others).max() < 0.02


def test_an_interruption_begins_a_new_batch(jaw: Speaker):
    stream = MotionStream(jaw)
    stream.speak(SOUND)
    stream.interrupt()
    told, *_ = read(stream.speak(SOUND)[0])
    assert told["batch_id"] == 1 and told["start_of_batch"]
