"""How a face moves: offsets of its vertices and poses of its head, frame by frame."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from avatar.avatar_io.motion_file import Frame, SavedMotion, motion_writer
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.swing import Swing, swinging, unmoved
from common.arrays import Arrays

CHUNK_BYTES = 2**24  # of offsets that are computed at a time
SAMPLES = 300  # frames from which the directions are found, at most
SAMPLE_BYTES = 2**27  # of them, about
DIRECTIONS = 48  # at most
LEFT_OUT = 1e-4  # of the sampled frames' energy may be left out


@dataclass(frozen=True)
class Curves:
    """Motion as coefficients on a basis of vertex offsets."""

    names: tuple[str, ...]  # [C] of the basis's directions; those of ARKit's units are ARKit's
    basis: Tensor  # [C, V, 3] in the unit of the mesh
    coefficients: Callable[[], Iterator[Tensor]]  # in chunks [f, C], F rows in total

    def offsets(self) -> Iterator[Tensor]:
        """Offsets [f, V, 3] of all frames in turn, a few at a time."""
        flat = self.basis.flatten(1)  # [C, 3 V]
        size = max(1, CHUNK_BYTES // (4 * flat.shape[1]))
        for chunk in self.coefficients():
            for part in chunk.split(size):
                yield (part.to(flat) @ flat).unflatten(1, (-1, 3))


@dataclass(frozen=True)
class DrivenMotion:
    """The motion of one face, in the space and unit of its mesh, of which only a few frames are
    held."""

    face: Face
    offsets: Callable[[], Iterator[Tensor]]  # of all frames in turn, in chunks [f, V, 3]
    head_pose: Tensor  # [F, 4, 4] rigid motion of the head
    fps: float
    curves: Curves | None = None  # the offsets' basis and coefficients, where known

    @property
    def frames(self) -> int:
        return len(self.head_pose)

    def meshes(self) -> Iterator[Tensor]:
        """The moved mesh [V, 3] of every frame in turn."""
        offsets = chain.from_iterable(self.offsets())
        for frame, head_pose in zip(offsets, self.head_pose, strict=True):
            yield pose(self.face.mesh.vertices + frame, self.face.head, head_pose)


@dataclass(frozen=True)
class Moving:
    chunks: Callable[[], Iterator[Tensor]]  # [f, V, 3] of all frames in turn: offsets, or vertices
    vertices: Callable[[Tensor, int | slice], Tensor]  # from some chunks and their frames
    frames: int
    fps: float
    swing: Swing = unmoved


def moving(motion: DrivenMotion, avatar: Avatar, device: torch.device | None = None) -> Moving:
    """The mesh of an avatar that moves from its rest, on the device."""
    device = device or torch.device("cpu")
    curves, head = motion.curves, motion.face.head
    swing = swinging(avatar, head, motion.head_pose, motion.fps, device)
    rest, head_pose = avatar.vertices.to(device), motion.head_pose.to(device)
    head = replace(head, pose_weights=head.pose_weights.to(device))
    chunks = motion.offsets
    if curves is not None and device.type != "cpu":
        chunks = replace(curves, basis=curves.basis.to(device)).offsets
    return Moving(
        lambda: (chunk.to(device) for chunk in chunks()),
        lambda moved, frames: pose(rest + moved, head, head_pose[frames]),
        motion.frames,
        motion.fps,
        swing,
    )


def motion_file(
    path: Path, motion: DrivenMotion, labels: Arrays | None = None
) -> AbstractContextManager[Callable[[Frame], None]]:
    """A file of the motion, to which offsets [..., V, 3] of frames are appended; labels: further
    arrays."""
    face = motion.face
    facts = (face.mesh, face.head.topology, motion.fps, motion.head_pose, face.fitted)
    return motion_writer(SavedMotion(path, *facts), face.head.regions, labels)


def principal_curves(motion: DrivenMotion) -> Curves:
    """Motion on an orthonormal basis without no more than LEFT_OUT of its energy, found from frames
    spread over all of it; the offsets are read once here, and once for the curves."""
    some = _sampled(motion)  # [n, 3 V]
    energies, mix = torch.linalg.eigh((some @ some.T).double())
    energies, mix = energies.flip(0).clamp(min=0), mix.flip(1).float()
    short = energies.cumsum(0) < (1 - LEFT_OUT) * energies.sum()
    kept = min(int(short.sum()) + 1, DIRECTIONS, len(some))
    basis = torch.linalg.qr((mix[:, :kept].T @ some).T).Q.T  # [K, 3 V]
    names = tuple(f"motion_{k:02d}" for k in range(kept))
    coefficients = lambda: (chunk.flatten(1) @ basis.T for chunk in motion.offsets())  # noqa: E731
    return Curves(names, basis.unflatten(1, (-1, 3)), coefficients)


def _sampled(motion: DrivenMotion) -> Tensor:
    """Frames [n, 3 V] at even distances."""
    frame_bytes = 12 * len(motion.face.mesh.vertices)
    count = max(1, min(SAMPLES, SAMPLE_BYTES // frame_bytes, motion.frames))
    wanted = torch.linspace(0, motion.frames - 1, count).long()
    found, start = [], 0
    for chunk in motion.offsets():
        here = wanted[(wanted >= start) & (wanted < start + len(chunk))] - start
        found.append(chunk[here].flatten(1))
        start += len(chunk)
    return torch.cat(found)
