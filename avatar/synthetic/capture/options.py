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
    voice: Path | None = DEMO_VOICE
    """The recording that is spoken in the speech sequences; None leaves them out."""
    tracking_noise_mm: float = 0.0
    """Root mean square error of the tracked vertices in millimetres: smooth over the face, with a
    little white noise, new at every timestep."""
    camera_noise_deg: float = 0.0
    """Standard deviation of the error of each camera's rotation about each axis in degrees."""
    camera_noise_mm: float = 0.0
    """Standard deviation of the error of each camera's place along each axis in millimetres."""
    exposure_noise: float = 0.0
    """Standard deviation of the logarithm of each camera's gain in each colour; 0.05 is usual."""
    workers: int = 0
    """Number of threads that draw; 0 takes as many as the processors or a CPU quota allow."""


def check_options(options: CaptureOptions) -> None:
    """Raise InputError or FileNotFoundError for what cannot be made."""
    for name in ("width", "height"):
        if not 16 <= getattr(options, name) <= LARGEST:
            raise InputError(
                f"{name} {getattr(options, name)}: must be from 16 to {LARGEST} pixels"
            )
    least_of = {"cameras": 1, "timesteps": 1, "held_out_timesteps": 0, "workers": 0}
    for name, least in least_of.items():
        if getattr(options, name) < least:
            raise InputError(f"{name} {getattr(options, name)}: must be at least {least}")
    if options.cameras > 100:
        raise InputError(f"cameras {options.cameras}: must be at most 100, or file names collide")
    if options.seed < 0:
        raise InputError(f"seed {options.seed}: must not be negative")
    for name in ("tracking_noise_mm", "camera_noise_deg", "camera_noise_mm", "exposure_noise"):
        if not 0 <= getattr(options, name) < 100:
            raise InputError(f"{name} {getattr(options, name)}: must be from 0 to below 100")
    if options.voice is not None and not options.voice.is_file():
        raise FileNotFoundError(
            f"{options.voice}: there is no such recording; give --voice a sound file, or None for "
            "a capture without speech"
        )
