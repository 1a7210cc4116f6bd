"""The options of the tracker, and their limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.device import ComputeOptions
from common.errors import InputError

FOCALS = (0.3, 10.0)  # picture widths: focal lengths that are plausible
DEFAULT_FOCAL = 1.2  # longer sides of a picture, where it is unknown and estimates begin
LEAST_FRAMES = 8  # with a face that a film must have
MOST_SYNC = 10_000  # milliseconds
Sync = Literal["auto"] | float


@dataclass(frozen=True)
class TrackingOptions:
    """How a face is tracked."""

    size: int = 512
    """Pixels across or down, whichever is more, of the pictures that are kept."""
    fps: float = 25.0
    """Frames a second that are tracked."""
    face: int = 0
    """Which of several faces, by their size where the film begins; 0 is the largest."""
    focal: float | None = None
    """Focal length in widths of the film's picture, where it is known (a phone's main camera has
    about 0.75, its telephoto about 2); by default it is estimated."""
    key_frames: int = 50
    """Frames from which the person is estimated, the most different ones."""
    crops: int = 3
    """How many slightly different crops of a frame the landmarks are averaged over: more reduce
    jitter and take longer."""


@dataclass(frozen=True, kw_only=True)
class TrackOptions(TrackingOptions, ComputeOptions):
    """Track a face through a film: a capture that `reconstruct` reads, its motion for `drive`,
    `export` and other programs, and a film to check it by.

    The folder gets pictures, masks, regions and meshes of every frame in the layout of
    docs/captures.md, `take.csv` (52 ARKit weights and head angles, Live Link Face's format),
    `motion.npz` (the mesh in every frame) and `overlay.mp4`.
    """

    film: Path
    """A film of a face: .mp4, .mov, .webm, .mkv or .avi."""
    out: Path
    """The folder to write. One that was interrupted is continued if all options are the same."""
    flame: Path | None = None
    """Your FLAME file (generic_model.pkl, flame2023.pkl or .npz): the capture then holds its
    parameters, as VHAP writes them, instead of anny-head's vertices."""
    held_out: float = 0.0
    """Share of the film, at its end, that is left to the test split, from 0 to 0.5."""
    sync: Sync = "auto"
    """Milliseconds by which the film's sound is moved, later where more than 0, earlier where less;
    auto: as estimated from the lips, if that is reliable."""


@dataclass(frozen=True, kw_only=True)
class FilmsOptions(TrackingOptions, ComputeOptions):
    """Track many films of one person who speaks: clips of speech with the motion of the mouth, the
    person taken out, as `train motion` reads them.

    The person is solved once, from a few of the films, and each film by its motion alone. Films
    that are tracked badly are dropped, with a reason. The folder gets <film>.npz and <film>.wav, a
    record of every film in films/, and the person in person/.
    """

    films: tuple[Path, ...]
    """Films, or folders of films, of one person before one camera (.mp4, .mov, .webm, .mkv, .avi,
    .mpg)."""
    out: Path
    """Folder for the clips. The same command continues a run that was stopped."""
    speaker: str | None = None
    """Name of the speaking style that the clips have; by default that of the folder."""
    words: Path | None = None
    """Folder of <film>.align with the times of the words (lines `begin end word` in 1/25,000 s, as
    GRID has them): the lips of b, m and p at their begins are then counted."""
    shard: tuple[int, int] = (1, 1)
    """Which part of the films this process tracks, of how many: 2 5 is the second of five. All
    parts write to the same folder."""
    sync: Sync = "auto"
    """Milliseconds by which the films' sound is moved, later where more than 0, earlier where less;
    auto: as estimated from the lips of several films together, if that is reliable."""


def check_sync(sync: Sync) -> None:
    """Raise InputError for an impossible offset."""
    if sync != "auto" and not abs(sync) <= MOST_SYNC:
        raise InputError(f"--sync {sync:g}: must be auto or up to {MOST_SYNC} ms either way")


def check_tracking(options: TrackingOptions) -> None:
    """Raise InputError for values out of range."""
    if not 128 <= options.size <= 2048 or options.size % 2:
        raise InputError(f"--size {options.size}: must be even and from 128 to 2048 pixels")
    if not 5 <= options.fps <= 120:
        raise InputError(f"--fps {options.fps:g}: must be from 5 to 120 frames a second")
    if options.focal is not None and not FOCALS[0] <= options.focal <= FOCALS[1]:
        raise InputError(
            f"--focal {options.focal:g}: must be from {FOCALS[0]} to {FOCALS[1]:g} picture widths"
        )
    for name, least, most in (("face", 0, 100), ("key_frames", 8, 500), ("crops", 1, 20)):
        value = getattr(options, name)
        if not least <= value <= most:
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option} {value}: must be from {least} to {most}")
