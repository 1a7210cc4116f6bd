"""A mesh that can be moved: its head, with everything fitted to this very mesh."""

from dataclasses import dataclass, replace

from torch import Tensor

from avatar.heads import Head, fit_units, load_head
from avatar.heads.head import SHIPPED
from avatar.mesh import Mesh


@dataclass(frozen=True)
class Face:
    """A mesh and how it moves."""

    mesh: Mesh
    head: Head  # of this mesh: its rest vertices, units, regions, pose weights
    fitted: Tensor | None = None  # [S, 3] anny-head's vertices laid onto the mesh, if it is another
    residual_mm: float | None = None  # of that fit, where it is known


def face_of(mesh: Mesh, topology: str, template: Tensor | None = None) -> Face:
    """Make a mesh ready to move."""
    if topology in SHIPPED:
        head = load_head(topology)
        units = fit_units(head, mesh.vertices)
        return Face(mesh, replace(head, vertices=mesh.vertices, units=units))
    raise ValueError(topology)
