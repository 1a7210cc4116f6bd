"""The options of `make-avatar`: whose avatar is made, and from what."""

from dataclasses import dataclass
from pathlib import Path

from common.device import Device


@dataclass(frozen=True)
class MakeAvatarOptions:
    """Make an avatar of the person on a photo, or in a film. It speaks with `drive`.

    The face should look into the camera, mouth shut, in soft light, without glasses; more photos
    from other sides show what one leaves open. What no photo shows is invented: a picture beside
    the avatar tells what. A film says more than photos: half a minute of somebody who speaks and
    slowly turns the head before a still camera. Make an avatar of yourself, or of somebody who
    agreed to it.
    """

    out: Path
    """The avatar file to write (.ply); the picture of what was seen and what was invented gets its
    name with -seen.png."""
    photo: tuple[Path, ...] = ()
    """1 to 5 photos of one person; the first should be the one from the front."""
    film: Path | None = None
    """Instead of photos a film of one person. The film as it was tracked lies in a folder beside
    the avatar, with -capture at the end of its name: the same command goes on from there."""
    face: int = 0
    """Which of several faces, by their size on each photo or where the film begins; 0 is the
    largest."""
    focal: float | None = None
    """Focal length in widths of the picture, where it is known; by default what the photo's file
    tells, or else 1.2 times its longer side, or found from the film."""
    steps: int = 3_000
    """Of learning from a film: 7,000 are a little sharper and take more than twice as long."""
    device: Device = "auto"
    """Where a film is learnt: auto takes CUDA where it works."""
    seed: int = 0
    """Seed of everything that is left to chance; the same seed gives the same avatar."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
