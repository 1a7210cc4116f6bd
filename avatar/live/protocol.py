"""The protocol of a session: messages from and to bytes and JSON, and the limits of a client."""

import json
import re
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from avatar.behaviour.performance import NOTHING
from avatar.live.session import Frames, Session
from avatar.live.speaker import POSE

SOUND, HEARD = 0x01, 0x02
FRAMES = 0x81
HEADER = struct.Struct("<BxHIq")
"""Of frames: kind, rows, turn, and the first row's time in samples of the turn."""
LONGEST = SAMPLE_RATE
"""Samples in one message, at most."""
ASKED = (
    '{"type": "finish"}, {"type": "interrupt", "turn": 0, "heard": 9} or '
    '{"type": "keep-up", "behind": 1}'
)
SOONEST, LATEST = 0.2, 60.0
"""Range of the seconds in a keep-up message."""
LARGEST = 2 * LONGEST + 1
"""Bytes of one message, at most."""
CANDIDATES = 64
"""Addresses in an offer, at most."""


class Refused(Exception):
    """Why a client is disconnected, in one sentence; code: of the closing (RFC 6455, 7.4)."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.sentence, self.code = sentence, code


@dataclass(frozen=True)
class Sound:
    """Speech goes on, the avatar's own or another's that it hears."""

    pcm: bytes  # int16, little-endian, mono, 16 kHz
    heard: bool = False


@dataclass(frozen=True)
class Interrupt:
    """Be silent now."""

    turn: int | None = None
    """the turn that the listener hears; by default the last one"""
    heard: int = 0
    """samples of it that were heard"""


@dataclass(frozen=True)
class Finish:
    """The speech has ended: send the remaining frames."""


@dataclass(frozen=True)
class KeepUp:
    """From now on skip sound rather than fall behind."""

    behind: float
    """seconds of sound that may wait"""


@dataclass(frozen=True)
class Skip:
    """Samples that waited too long and were dropped; no client says so."""

    samples: int


Message = Sound | Interrupt | Finish | KeepUp


def read_message(message: str | bytes) -> Message:
    """Parse a message. Raises Refused for anything else."""
    return _read_words(message) if isinstance(message, str) else _read_sound(message)


def _read_sound(message: bytes) -> Sound:
    if not message or message[0] not in (SOUND, HEARD):
        raise Refused("bytes must begin with 1 or 2 and be sound", 1008)
    size = len(message) - 1
    if size % 2:
        raise Refused("sound must be whole samples of 16 bits; half a sample is left over", 1008)
    if size > 2 * LONGEST:
        raise Refused(f"sound must come in pieces of at most {LONGEST} samples", 1009)
    return Sound(message[1:], message[0] == HEARD)


def _read_words(message: str) -> Interrupt | Finish | KeepUp:
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        raise Refused("text must be JSON", 1008) from None
    match parsed:
        case {"type": "finish", **more} if not more:
            return Finish()
        case {"type": "interrupt", **more} if not more:
            return Interrupt()
        case {"type": "interrupt", "turn": turn, "heard": heard, **more} if not more:
            if _counts(turn) and _counts(heard):
                return Interrupt(turn, heard)
        case {"type": "keep-up", "behind": behind, **more} if not more:
            if type(behind) in (int, float) and SOONEST <= behind <= LATEST:
                return KeepUp(behind)
    raise Refused(f"text must be {ASKED}", 1008)


def read_offer(message: str | bytes) -> str:
    """The SDP (RFC 8866) of a WebRTC offer with one track of sound and one of pictures. Raises
    Refused for anything else."""
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        parsed = None
    match parsed:
        case {"type": "offer", "sdp": str(sdp), **more} if not more:
            media = sorted(line.split()[0] for line in sdp.splitlines() if line.startswith("m="))
            if media != ["m=audio", "m=video"]:
                raise Refused("an offer must have one track of sound and one of pictures", 1008)
            if not _bundled(sdp):
                raise Refused("an offer must bundle those tracks that it has (RFC 9143)", 1008)
            if sdp.count("a=candidate:") > CANDIDATES:
                raise Refused(f"an offer must name at most {CANDIDATES} addresses", 1008)
            return sdp
    raise Refused('text must be {"type": "offer", "sdp": "..."}', 1008)


def _bundled(sdp: str) -> bool:
    """Whether every bundle names exactly the tracks of the offer."""
    whole, *tracks = sdp.split("\nm=")
    names = [re.findall(r"^a=mid:(\S+)\s*$", track, re.MULTILINE) for track in tracks]
    groups = re.findall(r"^a=group:BUNDLE (.*)$", whole, re.MULTILINE)
    bundled = sorted(name for track in names for name in track)
    return all(len(track) == 1 for track in names) and all(
        sorted(group.split()) == bundled for group in groups
    )


def _counts(number: object) -> TypeGuard[int]:
    return type(number) is int and number >= 0


def samples_of(pcm: bytes) -> NDArray[np.float32]:
    """Sound as samples [s] in -1..1."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


def computed(session: Session, message: Message | Skip) -> Frames | None:
    """The frames that a message makes ready in a session; None of a `Skip`."""
    match message:
        case Skip(samples):
            return session.skip(samples)
        case Sound(pcm, heard):
            samples = samples_of(pcm)
            return session.push(NOTHING, samples) if heard else session.push(samples)
        case Interrupt(turn, heard):
            return session.interrupt(turn, heard)
        case Finish():
            return session.finish()
    raise AssertionError(message)


def hello(fps: int, names: Sequence[str], latency: float, listening_latency: float) -> str:
    """The first message to a client. latency, listening_latency: seconds from a frame's start until
    it is sent, while the avatar speaks and while it listens."""
    return message_of(
        "hello",
        sampleRate=SAMPLE_RATE,
        fps=fps,
        names=[*names],
        pose=POSE,
        latency=latency,
        listeningLatency=listening_latency,
        longest=LONGEST,
    )


def refusal(sentence: str) -> str:
    """The last message before the connection is closed."""
    return message_of("refused", sentence=sentence)


def frames_message(frames: Frames) -> bytes:
    """Frames as bytes: the header, then float32 rows, little-endian."""
    head = HEADER.pack(FRAMES, len(frames), frames.turn, frames.sample)
    return head + frames.rows.astype("<f4").tobytes()


def read_frames(message: bytes) -> Frames:
    """Parse the bytes of `frames_message`."""
    kind, count, turn, sample = HEADER.unpack_from(message)
    assert kind == FRAMES
    rows = np.frombuffer(message, "<f4", offset=HEADER.size).reshape(count, -1)
    return Frames(turn, sample, rows.astype(np.float32))


def message_of(kind: str, **content: Any) -> str:
    """A message of words: skipped (samples that waited too long and are dropped), keep-up (behind,
    see `KeepUp`), answer (the sdp to a WebRTC offer) and others."""
    return json.dumps({"type": kind, **content})


AHEAD = 60
"""Seconds of sound that may come ahead of real time."""
HASTE = 1.05
"""Seconds of sound per second beyond that: clocks differ a little."""


class Bucket:
    """A token bucket."""

    def __init__(self, size: float, rate: float, clock: Callable[[], float]) -> None:
        """size: how much may be used at once; rate: refill per second."""
        self._size, self._rate, self._clock = size, rate, clock
        self._left, self._at = size, clock()

    def take(self, amount: float) -> bool:
        """Use an amount if it is available."""
        now = self._clock()
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Limits:
    """The limits of one session."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.messages = Bucket(200, 100, clock)
        self.said, self.heard = (
            Bucket(AHEAD * SAMPLE_RATE, HASTE * SAMPLE_RATE, clock) for _ in range(2)
        )

    def check(self, samples: int, heard: bool = False) -> None:
        """Raise Refused where a message with so many samples, said or heard, is too much."""
        if not self.messages.take(1):
            raise Refused("more than 100 messages a second; put more sound into each", 1008)
        if not (self.heard if heard else self.said).take(samples):
            raise Refused(
                f"sound came more than {AHEAD} s ahead of its time; send it as it is spoken", 1008
            )


class ConnectionLimit:
    """Limits open connections, in total and per address (IPv6: per /64 network)."""

    def __init__(self, most: int, per_address: int | None) -> None:
        """per_address: None where all connections come from one proxy."""
        self._most, self._per_address = most, per_address
        self._open: Counter[bytes] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more; whether it may stay."""
        network = ip_address(address).packed[:8]
        self._open[network] += 1
        few = self._per_address is None or self._open[network] <= self._per_address
        return few and self._open.total() <= self._most

    def leave(self, address: str) -> None:
        self._open -= Counter([ip_address(address).packed[:8]])
