"""Parts of prosody, and the lack of it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Prosody


def silence(frames: int) -> Prosody:
    """The prosody of no voice at all."""
    nothing = np.zeros(frames, np.float32)
    return Prosody(
        f0=nothing + np.nan,
        pitch=nothing + np.nan,
        energy=nothing - 60,
        speaking=np.zeros(frames, bool),
        rate=nothing,
        phrases=(),
        accents=(),
    )


def part(prosody: Prosody, frames: slice) -> Prosody:
    """Some frames of a recording's prosody, with the accents that begin in them."""
    curves = {
        name: getattr(prosody, name)[frames]
        for name in ("f0", "pitch", "energy", "speaking", "rate")
    }
    start, stop = frames.start / FRAMES_PER_SECOND, frames.stop / FRAMES_PER_SECOND
    accents = tuple(a for a in prosody.accents if start <= a.time < stop)
    return replace(prosody, **curves, phrases=(), accents=accents)


def in_parts(prosody: Prosody, frames: int) -> Iterator[Prosody]:
    """A recording's prosody in parts of so many frames."""
    for start in range(0, len(prosody), frames):
        yield part(prosody, slice(start, min(start + frames, len(prosody))))
