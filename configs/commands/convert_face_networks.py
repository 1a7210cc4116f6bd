"""Convert the face networks from the .tflite files that they were published in.

Needed only to change what ships: avatar/vision/weights/NOTICE.md names the files.
"""

from dataclasses import dataclass
from pathlib import Path

from avatar.vision.convert import convert_networks
from common.writable import check_writable


@dataclass(frozen=True)
class ConvertNetworksOptions:
    """Convert the networks that find faces, points and mattes from .tflite to .safetensors."""

    tflite: Path
    """The folder with the .tflite files."""
    out: Path = Path("avatar/vision/weights")
    """The folder to write the .safetensors files to."""


def main(options: ConvertNetworksOptions) -> None:
    check_writable(options.out, folder=True)
    for path in convert_networks(options.tflite, options.out):
        print(f"wrote {path}: {path.stat().st_size / 1e6:.2f} MB")
