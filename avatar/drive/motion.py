"""How a face moves: offsets of its vertices and poses of its head, frame by frame."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from torch import Tensor

from avatar.avatar_io.motion_file import Frame, SavedMotion, motion_writer
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import pose
from common.arrays import Arrays

CHUNK_BYTES = 2**24  # of offsets that are computed at a time


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


def motion_file(
    path: Path, motion: DrivenMotion, labels: Arrays | None = None
) -> AbstractContextManager[Callable[[Frame], None]]:
    """A file of the motion, to which the offsets [V, 3] are appended frame by frame; labels:
    further arrays."""
    face = motion.face
    facts = (face.mesh, face.head.topology, motion.fps, motion.head_pose, face.fitted)
    return motion_writer(SavedMotion(path, *facts), face.head.regions, labels)
