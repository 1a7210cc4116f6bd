"""A capture's folder: begun once, continued by the same options; and what was written into it."""

from dataclasses import asdict, dataclass
from pathlib import Path

from audio2mesh import probe_audio
from avatar.reconstruct.capture_writer import PICTURES
from common.claimed_folder import claim_folder, file_digest
from research.captures.options import CaptureOptions

NOT_IN_OPTIONS = ("out", "threads", "audio", "speech")  # not as such, or without effect


@dataclass(frozen=True)
class Made:
    """What was written."""

    pictures: int
    drawn: int  # of them, new in this run
    megabytes: float


def claim(options: CaptureOptions) -> None:
    """Make the folder, or see that it holds the same capture; InputError says what it holds.

    Raises as `probe_audio` does where the voice is no recording.
    """
    if options.voice is not None:
        probe_audio(options.voice)
    wanted = {k: v for k, v in asdict(options).items() if k not in NOT_IN_OPTIONS}
    voice = options.voice
    wanted["voice"] = None if voice is None else file_digest(voice)
    claim_folder(options.out, wanted, "capture")
    for name in (*PICTURES.values(), "vertices"):
        (options.out / name).mkdir(exist_ok=True)


def made(out: Path, pictures: int, drawn: int) -> Made:
    """What a folder holds at the end."""
    files = [path for path in out.rglob("*") if path.is_file()]
    return Made(pictures, drawn, sum(path.stat().st_size for path in files) / 1e6)
