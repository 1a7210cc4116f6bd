"""Path and format of a film, checked before the work starts."""

from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.error import FFmpegError

from common.errors import InputError
from common.writable import check_writable, is_free

Kind = Literal["mp4", "webm", "mov", "frames"]
KINDS: dict[str, Kind] = {".mp4": "mp4", ".webm": "webm", ".mov": "mov", "": "frames"}


def output_kind(path: Path) -> Kind:
    """What the suffix asks for; none asks for a folder of PNG frames."""
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise InputError(
            f"{path}: cannot write {suffix}; use .mp4, .webm or .mov, or for PNG frames the name "
            "of a new folder, without a suffix"
        )
    return KINDS[suffix]


def holds_alpha(path: Path) -> bool:
    """Whether a film of this name may be transparent; alpha is straight in all of these."""
    return output_kind(path) in ("webm", "mov", "frames")


def check_output(path: Path, audio: Path | None = None) -> None:
    """Say before the work starts what would stop it at its end.

    Raises:
        FileNotFoundError: the folder that `path` shall lie in does not exist.
        InputError: the suffix is unknown, `path` is taken, or `path` is the recording itself.
        OSError: the folder may not be written to.
    """
    frames = output_kind(path) == "frames"
    if frames and not path.name:
        raise InputError(f"{path}: name a new folder for the PNG frames")
    if frames and not is_free(path):
        raise InputError(f"{path}: exists already; name a new folder for the PNG frames")
    if audio is not None and path.exists() and path.samefile(audio):
        raise InputError(f"{path}: is the recording itself; give the output another name")
    check_writable(path, folder=frames)


def film_comment(path: Path) -> str:
    """What the metadata of a film say of it; nothing where it is no film."""
    try:
        with av.open(str(path.absolute()), metadata_errors="ignore") as container:
            tags = {name.lower(): words for name, words in container.metadata.items()}
    except (FFmpegError, OSError, ValueError):
        return ""
    return tags.get("comment", "")


def check_picture(width: int, height: int, fps: float) -> None:
    """Raise InputError where a size [pixels] is not even and positive, or fps not positive."""
    for name, pixels in (("width", width), ("height", height)):
        if pixels < 2:
            raise InputError(f"{name} {pixels}: must be at least 2 pixels")
        if pixels % 2:
            raise InputError(
                f"{name} {pixels}: must be even for video; use {pixels - 1} or {pixels + 1}"
            )
    if not 0 < fps < float("inf"):
        raise InputError(f"fps {fps:g}: must be a positive number of frames per second")


def exact_rate(fps: float) -> Fraction:
    """Frames per second as a ratio: 25 → 25/1, 29.97 → 30000/1001, 12.5 → 25/2."""
    broadcast = Fraction(round(fps * 1.001) * 1000, 1001)
    if broadcast and abs(float(broadcast) - fps) < 2e-4 * fps and fps != round(fps):
        return broadcast
    return Fraction(fps).limit_denominator(1000)
