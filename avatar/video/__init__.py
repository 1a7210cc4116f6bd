"""Films: read, encoded on the CPU and on CUDA, with sound and camera paths."""

from typing import Literal

Crop = Literal["portrait", "head", "bust", "square"]
"""What a picture frames."""
