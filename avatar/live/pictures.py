"""Rows as pictures, for hosts that show video rather than coefficients."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.drive.render_context import render_context
from avatar.geometry.rotations import quaternion_to_matrix
from avatar.live.speaker import POSE, Speaker
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.draw import draw_frames
from avatar.video.camera_path import portrait, read_track
from avatar.video.yuv import rgb8
from splat import Drawing, choose_backend

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


class Painter(Protocol):
    """Draws the pictures of sessions."""

    def drawing(self) -> AbstractAsyncContextManager[object]:
        """Must be held while a row is chosen and drawn."""
        ...

    async def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        """[H, W, 3] of a row [C + U + POSE]."""
        ...


class PictureMaker:
    """Draws an avatar from one side: on the CPU about 20 ms of a core for 512x512 pixels; on a
    device many pictures at once."""

    def __init__(
        self,
        avatar: Avatar,
        speaker: Speaker,
        options: PictureOptions | None = None,
        drawing: Drawing | None = None,
    ) -> None:
        """drawing: where and by what is drawn, the CPU by default."""
        self.options = options or PictureOptions()
        size = (self.options.width, self.options.height)
        angles = (self.options.azimuth, self.options.elevation)
        self._camera = next(read_track("front", size, angles)(portrait(avatar), 1, 25.0))
        device, backend, _ = drawing or choose_backend("cpu")
        self._context = render_context(avatar, backend, device, self.options.background)
        self._directions = speaker.directions().flatten(1).to(device)  # [C + U, 3 V]
        self._rest, head = speaker.face.mesh.vertices.to(device), speaker.face.head
        self._head = replace(head, pose_weights=head.pose_weights.to(device))

    def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        """[H, W, 3], RGB, of a row [C + U + POSE]."""
        return self.pictures(row[None])[0]

    def pictures(self, rows: NDArray[np.float32]) -> NDArray[np.uint8]:
        """[n, H, W, 3], RGB, of rows [n, C + U + POSE]."""
        numbers = torch.from_numpy(rows).to(self._rest)
        offsets = (numbers[:, :-POSE] @ self._directions).unflatten(1, (-1, 3))
        meshes = pose(self._rest + offsets, self._head, head_poses(numbers[:, -POSE:]))
        if self._context.backend == "cpu":
            return np.stack([self._drawn(mesh).numpy() for mesh in meshes])
        cameras, context = [self._camera] * len(rows), self._context
        drawn = draw_frames(context.rig(meshes), cameras, context.backend, context.background)
        return rgb8(drawn).cpu().numpy()

    def _drawn(self, mesh: Tensor) -> Tensor:
        return self._context.raster(self._context.gaussians(mesh, self._camera), self._camera)


def head_poses(numbers: Tensor) -> Tensor:
    """Rigid motions [n, 4, 4] of quaternions xyzw and shifts [n, 7]."""
    found = torch.eye(4).to(numbers).repeat(len(numbers), 1, 1)
    found[:, :3, :3] = quaternion_to_matrix(numbers[:, :4].roll(1, -1))
    found[:, :3, 3] = numbers[:, 4:]
    return found
