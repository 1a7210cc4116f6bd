"""What a synthetic capture is made of."""

from dataclasses import dataclass, fields
from pathlib import Path

from common.assets import DEMO_VOICE
from common.device import ThreadOptions
from common.errors import InputError

LARGEST = 4096  # pixels
STAGE_SIDE, FILM_SIDE = 256, 512  # pixels
STAGE_TIMESTEPS, FILM_FRAMES = 80, 300


@dataclass(frozen=True)
class CaptureOptions(ThreadOptions):
    """Render a synthetic capture with known truth: a made-up person, drawn as textured meshes.

    The folder has the layout that GaussianAvatars and VHAP export, with the tracked vertices of
    every timestep in place of FLAME parameters. Cameras stand in three rows around the face; one in
    eight is held out (split `val`). The subject makes faces and speaks; one sequence of each kind
    is held out (split `test`). Beside each picture lie its mask and its regions (skin, hair, eyes,
    mouth).
    """

    out: Path
    """The folder to write. One that was interrupted is continued if all options are the same."""
    film: bool = False
    """Instead film the subject by one still, phone-like camera, before a room: the head turns, the
    first half is speech, the second faces. Adds film.mp4 and motion.npz, the true motion; images
    show the room, noise and the drift of the exposure; the last fifth is held out (split
    `test`)."""
    width: int | None = None
    """Width of the pictures in pixels; by default 256, of a film 512."""
    height: int | None = None
    """Height of the pictures in pixels; by default 256, of a film 512."""
    cameras: int = 16
    """Number of cameras, within 70 degrees to each side."""
    timesteps: int | None = None
    """Number of training timesteps, each seen by all cameras; by default 80. Of a film the number
    of frames, 25 a second; by default 300."""
    held_out_timesteps: int = 16
    """Number of timesteps of the held-out sequences, each seen by all cameras."""
    seed: int = 0
    """Seed of the person, cameras, motion and noise; the same seed gives the same files."""
    audio: Path = DEMO_VOICE
    """The recording that is spoken in the speech sequences."""
    speech: bool = True
    """Whether the subject speaks at all."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures in pixels."""
        side = FILM_SIDE if self.film else STAGE_SIDE
        return (
            side if self.width is None else self.width,
            side if self.height is None else self.height,
        )

    @property
    def timestep_count(self) -> int:
        """Training timesteps, or the frames of a film."""
        if self.timesteps is not None:
            return self.timesteps
        return FILM_FRAMES if self.film else STAGE_TIMESTEPS

    @property
    def voice(self) -> Path | None:
        """The recording that is spoken, if any."""
        return self.audio if self.speech else None


OF_A_STAGE = ("cameras", "held_out_timesteps")
"""Options that mean nothing for a film."""


def check_options(options: CaptureOptions) -> None:
    """Raise InputError or FileNotFoundError for what cannot be made."""
    for name, pixels in zip(("width", "height"), options.size, strict=True):
        _check(name, pixels, 16 <= pixels <= LARGEST, f"from 16 to {LARGEST}")
        _check(name, pixels, not (options.film and pixels % 2), "even for a film")
    _check("timesteps", options.timestep_count, options.timestep_count >= 1, "at least 1")
    for name in ("held_out_timesteps", "seed"):
        value = getattr(options, name)
        _check(name, value, value >= 0, "at least 0")
    fine = 1 <= options.cameras <= 100
    _check("cameras", options.cameras, fine, "from 1 to 100, or file names collide")
    if options.film:
        _check_film(options)
    if options.speech and not options.audio.is_file():
        raise FileNotFoundError(
            f"{options.audio}: there is no such recording; give --audio a sound file, or "
            "--no-speech for a capture without speech"
        )


def _check_film(options: CaptureOptions) -> None:
    defaults = {field.name: field.default for field in fields(CaptureOptions)}
    for name in OF_A_STAGE:
        value = getattr(options, name)
        _check(name, value, value == defaults[name], "left out: a film has one, true camera")


def _check(name: str, value: float, fine: bool, must: str) -> None:
    if not fine:
        raise InputError(f"--{name.replace('_', '-')} {value}: must be {must}")
