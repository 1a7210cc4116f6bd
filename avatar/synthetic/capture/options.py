"""What a synthetic capture is made of."""

from dataclasses import dataclass
from pathlib import Path

from common.assets import DEMO_VOICE
from common.errors import InputError

LARGEST = 4096  # pixels


@dataclass(frozen=True)
class CaptureOptions:
    """Render a synthetic capture with known truth: a procedural head, drawn as a textured mesh.

    The folder has the layout that GaussianAvatars and VHAP export, with the tracked vertices of
    every timestep in place of FLAME parameters. Cameras stand in three rows around the face; one in
    eight is held out (split `val`). The sitter makes faces and speaks; one sequence of each kind is
    held out (split `test`). Beside each picture lie its mask and its regions (skin, hair, eyes,
    mouth); with any noise, the truth lies in the folder `truth`.
    """

    out: Path
    """The folder to write. One that was interrupted is continued if all options are the same."""
    width: int = 256
    """Width of the pictures in pixels."""
    height: int = 256
    """Height of the pictures in pixels."""
    cameras: int = 16
    """Number of cameras, within 70 degrees to each side."""
    timesteps: int = 80
    """Number of training timesteps, each seen by all cameras."""
    held_out_timesteps: int = 16
    """Number of timesteps of the held-out sequences, each seen by all cameras."""
    seed: int = 0
    """Seed of face, colours, hair, cameras, motion and noise; the same seed gives the same files.
    Even seeds have short hair."""
    audio: Path = DEMO_VOICE
    """The recording that is spoken in the speech sequences."""
    speech: bool = True
    """Whether the sitter speaks at all."""
    tracking_noise_mm: float = 0.0
    """Root mean square error of the tracked vertices in millimetres: smooth over the face, with a
    little white noise, new at every timestep."""
    camera_noise_deg: float = 0.0
    """Standard deviation of the error of each camera's rotation about each axis in degrees."""
    camera_noise_mm: float = 0.0
    """Standard deviation of the error of each camera's place along each axis in millimetres."""
    exposure_noise: float = 0.0
    """Standard deviation of the logarithm of each camera's gain in each colour; 0.05 is usual."""
    threads: int | None = None
    """Threads that draw; by default as many as the processors, or the CPU quota of a container,
    allow."""


def check_options(options: CaptureOptions) -> None:
    """Raise InputError or FileNotFoundError for what cannot be made."""
    for name in ("width", "height"):
        _check(options, name, 16 <= getattr(options, name) <= LARGEST, f"from 16 to {LARGEST}")
    for name, least in {"timesteps": 1, "held_out_timesteps": 0, "seed": 0}.items():
        _check(options, name, getattr(options, name) >= least, f"at least {least}")
    _check(options, "cameras", 1 <= options.cameras <= 100, "from 1 to 100, or file names collide")
    for name in ("tracking_noise_mm", "camera_noise_deg", "camera_noise_mm", "exposure_noise"):
        _check(options, name, 0 <= getattr(options, name) < 100, "from 0 to below 100")
    if options.threads is not None:
        _check(options, "threads", options.threads >= 1, "at least 1")
    if options.speech and not options.audio.is_file():
        raise FileNotFoundError(
            f"{options.audio}: there is no such recording; give --audio a sound file, or "
            "--no-speech for a capture without speech"
        )


def _check(options: CaptureOptions, name: str, fine: bool, must: str) -> None:
    if not fine:
        flag = name.replace("_", "-")
        raise InputError(f"--{flag} {getattr(options, name)}: must be {must}")
