"""Triangle meshes: geometry, files, colours; nothing of heads or sound."""

from avatar.mesh.normals import vertex_normals as vertex_normals
from avatar.mesh.triangle_mesh import Mesh as Mesh
