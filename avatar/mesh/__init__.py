"""Triangle meshes: geometry, files, colours; nothing of heads or sound."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.mesh.normals import vertex_normals as vertex_normals
    from avatar.mesh.triangle_mesh import Mesh as Mesh
else:
    __getattr__ = lazy_names(__file__)
