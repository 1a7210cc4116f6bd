"""Rows as pictures, for hosts that show video rather than coefficients."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.drive.render_context import render_context
from avatar.geometry.rotations import quaternion_to_matrix
from avatar.live.speaker import POSE, Speaker
from avatar.rigging.avatar import Avatar, pose
from avatar.video.camera_path import portrait, read_track

GREY = 0.8  # of the background


@dataclass(frozen=True)
class PictureOptions:
    width: int = 512
    """pixels"""
    height: int = 512
    """pixels"""
    azimuth: float = 0.0
    """degrees from the front to the subject's left"""
    elevation: float = 0.0
    """degrees above the eyes"""
    background: tuple[float, float, float] = (GREY, GREY, GREY)
    """red, green and blue from 0 to 1"""


class PictureMaker:
    """Draws an avatar from one side, on the CPU: about 20 ms of a core for 512x512 pixels."""

    def __init__(
        self, avatar: Avatar, speaker: Speaker, options: PictureOptions | None = None
    ) -> None:
        self.options = options or PictureOptions()
        size = (self.options.width, self.options.height)
        angles = (self.options.azimuth, self.options.elevation)
        self._camera = next(read_track("front", size, angles)(portrait(avatar), 1, 25.0))
        self._context = render_context(avatar, "cpu", torch.device("cpu"), self.options.background)
        self._directions = speaker.directions().flatten(1)  # [C + U, 3 V]
        self._face = speaker.face

    def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        """[H, W, 3], RGB, of a row [C + U + POSE]."""
        numbers = torch.from_numpy(row)
        offsets = (numbers[:-POSE] @ self._directions).unflatten(0, (-1, 3))
        vertices = self._face.mesh.vertices + offsets
        moved = pose(vertices, self._face.head, head_pose(numbers[-POSE:]))
        gaussians = self._context.gaussians(moved, self._camera)
        return self._context.raster(gaussians, self._camera).numpy()


def head_pose(numbers: torch.Tensor) -> torch.Tensor:
    """A rigid motion [4, 4] of a quaternion xyzw and a shift [7]."""
    found = torch.eye(4)
    found[:3, :3] = quaternion_to_matrix(numbers[:4].roll(1)[None])[0]
    found[:3, 3] = numbers[4:]
    return found
