"""Clips → reels: their mouths rendered from one view each, and kept on disk."""

import json
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip, clip_frames
from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.lipreading.network import FPS
from audio2mesh.lipreading.reels import Reel
from audio2mesh.model.motion import Motion
from avatar.heads import Head
from avatar.lipreading.face_geometry import face_geometry
from avatar.lipreading.render import mouth_renderer
from avatar.lipreading.view import MouthView
from common.atomic import write_beside

VERSION = 1
"""To be raised whenever crops come out differently, so that kept ones are drawn again."""
_BATCH = 32  # frames drawn at a time
_MM = 1000


def render_reel(head: Head, clip: Clip, view: MouthView, cache: Path | None = None) -> Reel:
    """The clip's mouth at 25 frames a second; with a cache, a reel that lies there is not drawn
    again, and its crops stay on disk until they are looked at."""
    if cache is None:
        crops, shape = _drawn(head, clip, view)
        return Reel(clip.name, crops, shape, clip.phones)
    kept = cache / f"{clip.name}-{_digest(clip, view)}.npy"
    measured = kept.with_suffix(".shape.npy")
    if not (kept.exists() and measured.exists()):
        crops, shape = _drawn(head, clip, view)
        cache.mkdir(parents=True, exist_ok=True)
        for path, array in ((kept, crops), (measured, shape)):
            with write_beside(path) as partial:
                np.save(partial, array)
    crops = np.load(kept, mmap_mode="r")
    return Reel(clip.name, crops, np.load(measured), clip.phones)


def mouth_shape(motion: Motion, face: FaceGeometry) -> Tensor:
    """Gap between the lips, how much wider the mouth is and how much further forward the lips are
    than at rest [F, 3], millimetres."""
    corners = face.inner_upper[[0, -1]]
    ends = face.rest[corners] + motion.offsets(corners)  # [F, 2, 3]
    rest = (face.rest[corners[1]] - face.rest[corners[0]]).norm()
    wider = (ends[:, 1] - ends[:, 0]).norm(dim=-1) - rest
    forward = motion.offsets(face.lips)[..., 2].mean(-1)
    return torch.stack([lip_gap(motion, face), wider, forward], -1) * _MM


@torch.no_grad()
def _drawn(head: Head, clip: Clip, view: MouthView) -> tuple[np.ndarray, np.ndarray]:
    frames = max(1, round(clip.seconds * FPS))
    motion = Motion(clip_frames(clip, FPS, frames), clip.motion.basis)
    render = mouth_renderer(head, view=view)
    crops = np.empty((frames, 88, 88), np.uint8)
    for start in range(0, frames, _BATCH):
        part = Motion(motion.coefficients[start : start + _BATCH], motion.basis)
        grey = render(head.vertices + part.offsets())
        crops[start : start + _BATCH] = (grey * 255).round().byte().numpy()
    return crops, mouth_shape(motion, face_geometry(head)).numpy()


def _digest(clip: Clip, view: MouthView) -> str:
    """A name for everything that the crops follow from."""
    told = json.dumps([VERSION, asdict(view), clip.fps, clip.lag, len(clip.audio)])
    sum_ = zlib.crc32(clip.motion.coefficients.numpy().tobytes(), zlib.crc32(told.encode()))
    return f"{zlib.crc32(clip.motion.basis.numpy().tobytes(), sum_):08x}"
