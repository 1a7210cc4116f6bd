"""What goes over the connection: read as it was written, and refused in a sentence."""

import json
import struct

import numpy as np
import pytest

from avatar.live.protocol import (
    CANDIDATES,
    HEADER,
    LONGEST,
    Finish,
    Interrupt,
    KeepUp,
    Refused,
    Sound,
    frames_message,
    hello,
    read_frames,
    read_message,
    read_offer,
    refusal,
    samples_of,
)
from avatar.live.session import Frames


def test_frames_come_back():
    rows = np.random.default_rng(0).standard_normal((5, 20)).astype(np.float32)
    for sample in (0, -1920, 2**40):
        message = frames_message(Frames(7, sample, rows))
        assert len(message) == HEADER.size + rows.nbytes and HEADER.size == 16
        found = read_frames(message)
        assert (found.turn, found.sample) == (7, sample) and np.array_equal(found.rows, rows)


def test_the_bytes_are_as_documented():
    message = frames_message(Frames(3, 640, np.ones((1, 2), np.float32)))
    assert message == struct.pack("<BBHIqff", 0x81, 0, 1, 3, 640, 1.0, 1.0)


def test_messages_are_read():
    assert read_message(b"\x01\x00\x40") == Sound(b"\x00\x40")
    assert read_message(b"\x02\x00\x40") == Sound(b"\x00\x40", heard=True)
    assert samples_of(b"\x00\x40\x00\x80").tolist() == [0.5, -1.0]
    assert read_message('{"type": "finish"}') == Finish()
    assert read_message('{"type": "interrupt"}') == Interrupt()
    asked = '{"type": "interrupt", "turn": 2, "heard": 640}'
    assert read_message(asked) == Interrupt(2, 640)
    assert read_message('{"type": "keep-up", "behind": 0.6}') == KeepUp(0.6)


def test_what_the_server_says_is_json():
    told = json.loads(hello(25, ("a", "b"), 0.4, 0.1))
    assert told["type"] == "hello" and told["names"] == ["a", "b"] and told["sampleRate"] == 16_000
    assert told["latency"] == 0.4 and told["listeningLatency"] == 0.1
    assert json.loads(refusal('a "sentence"'))["sentence"] == 'a "sentence"'


WRONG = {
    b"": "bytes must begin with 1",
    b"\x03ab": "bytes must begin with 1 or 2",
    b"\x01abc": "half a sample is left over",
    b"\x01" + bytes(2 * LONGEST + 2): "at most 16000 samples",
    "": "text must be JSON",
    "[" * 100_000: "text must be JSON",
    "null": "text must be {",
    '{"type": "shout"}': "text must be {",
    '{"type": "finish", "now": 1}': "text must be {",
    '{"type": "interrupt", "turn": 0}': "text must be {",
    '{"type": "interrupt", "turn": -1, "heard": 0}': "text must be {",
    '{"type": "interrupt", "turn": true, "heard": 0}': "text must be {",
    '{"type": "interrupt", "turn": 1.5, "heard": 0}': "text must be {",
    '{"type": "interrupt", "turn": 0, "heard": 1e999}': "text must be {",
    '{"type": "interrupt", "turn": 0, "heard": NaN}': "text must be {",
    '{"type": "keep-up"}': "text must be {",
    '{"type": "keep-up", "behind": 0}': "text must be {",
    '{"type": "keep-up", "behind": true}': "text must be {",
    '{"type": "keep-up", "behind": NaN}': "text must be {",
}


@pytest.mark.parametrize("message", WRONG, ids=lambda message: repr(message)[:40])
def test_what_is_no_message_is_refused_in_a_sentence(message: str | bytes):
    with pytest.raises(Refused) as refused:
        read_message(message)
    assert WRONG[message] in refused.value.sentence and refused.value.code in (1008, 1009)
    assert len(refused.value.sentence.encode()) < 123


def offer(sdp: str) -> str:
    return json.dumps({"type": "offer", "sdp": sdp})


GROUP = "a=group:BUNDLE 0 1\r\n"
TRACK = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
SOUND_AND_PICTURES = f"v=0\r\n{GROUP}{TRACK}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
MANY = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * (CANDIDATES + 1)


def test_an_offer_is_read():
    assert read_offer(offer(SOUND_AND_PICTURES)) == SOUND_AND_PICTURES


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (b"\x01ab", "text must be {"),
        ("[" * 100_000, "text must be {"),
        ('{"type": "offer", "sdp": 3}', "text must be {"),
        (offer(""), "one track of sound and one of pictures"),
        (offer(SOUND_AND_PICTURES * 2), "one track of sound and one of pictures"),
        (offer(SOUND_AND_PICTURES + "m=application 9 x\r\n"), "one track of sound"),
        (offer("m=\r\n" + SOUND_AND_PICTURES), "one track of sound"),
        (offer(SOUND_AND_PICTURES.replace("BUNDLE 0 1", "BUNDLE 2 1")), "must bundle"),
        (offer(SOUND_AND_PICTURES.replace("a=mid:0", "a=mid:1")), "must bundle"),
        (offer(SOUND_AND_PICTURES + MANY), "at most 64 addresses"),
    ],
)
def test_what_is_no_offer_is_refused_in_a_sentence(message: str | bytes, sentence: str):
    with pytest.raises(Refused, match=sentence) as refused:
        read_offer(message)
    assert len(refused.value.sentence.encode()) < 123
