"""How much a client may ask for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from audio2mesh.sound import SAMPLE_RATE
from avatar.live.protocol import Refused

AHEAD = 60
"""Seconds of sound that may come before they are spoken."""
HASTE = 1.05
"""Seconds of sound that are taken in a second beyond that: clocks differ a little."""


class Bucket:
    """Fills with time, is emptied by use."""

    def __init__(self, size: float, rate: float, clock: Callable[[], float]) -> None:
        """size: how much may be used at once; rate: how much comes back in a second."""
        self._size, self._rate, self._clock = size, rate, clock
        self._left, self._at = size, clock()

    def take(self, amount: float) -> bool:
        """Use so much, if there is as much."""
        now = self._clock()
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


@dataclass(frozen=True)
class Limits:
    """Of one session."""

    messages: Bucket
    sound: Bucket

    def check(self, samples: int) -> None:
        """Raise Refused where a message with so many samples is too much."""
        if not self.messages.take(1):
            raise Refused("more than 100 messages a second; put more sound into each", 1008)
        if not self.sound.take(samples):
            raise Refused(
                f"sound came more than {AHEAD} s ahead of its time; send it as it is spoken", 1008
            )


class ConnectionLimit:
    """Counts open connections, in all and of each address (of IPv6: of each network of 64 bits)."""

    def __init__(self, most: int, of_one: int | None) -> None:
        """of_one: how many may come from one address; None where a proxy stands before all."""
        self._most, self._of_one = most, of_one
        self._open: Counter[bytes] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more; whether it may stay."""
        network = ip_address(address).packed[:8]
        self._open[network] += 1
        of_one = self._of_one is None or self._open[network] <= self._of_one
        return of_one and self._open.total() <= self._most

    def leave(self, address: str) -> None:
        self._open -= Counter([ip_address(address).packed[:8]])


def limits(clock: Callable[[], float]) -> Limits:
    """Those of a new session."""
    messages = Bucket(200, 100, clock)
    return Limits(messages, Bucket(AHEAD * SAMPLE_RATE, HASTE * SAMPLE_RATE, clock))
