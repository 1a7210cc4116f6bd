"""The pitch of a voice without gaps, a few frames behind."""

from collections import deque
from math import isfinite, nan

BELIEVED = 12.0  # semitones from the speaker's median; farther away lie a tracker's slips


class Melody:
    """Hands on each frame's pitch a number of frames late, and meanwhile fills the gaps between
    voiced frames of one phrase by straight lines, as far as it sees their other ends."""

    def __init__(self, late: int) -> None:
        """late: frames; with 0 there is nothing to see, and gaps stay."""
        self._late = late
        self._held = deque([(nan, False)] * late)
        self._last = nan  # voiced pitch, nan where the phrase has none yet

    def push(self, pitch: float, speaks: bool) -> tuple[float, bool]:
        """The pitch, nan where it is not known, and whether somebody speaks, `late` frames ago."""
        pitch = pitch if abs(pitch) <= BELIEVED else nan
        if not speaks:
            self._last = nan
        elif isfinite(pitch):
            if isfinite(self._last):
                self._fill(pitch)
            self._last = pitch
        self._held.append((pitch, speaks))
        return self._held.popleft()

    def _fill(self, pitch: float) -> None:
        gap = 0
        while gap < len(self._held) and not isfinite(self._held[-1 - gap][0]):
            gap += 1
        whole = gap < len(self._held)  # else it began before what is held
        for k in range(1, gap + 1):
            share = 1 - k / (gap + 1) if whole else 1.0
            self._held[-k] = (self._last + share * (pitch - self._last), self._held[-k][1])
