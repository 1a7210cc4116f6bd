"""A mesh with the template laid onto it, both brought to the size and place of anny-head."""

from dataclasses import dataclass

import scipy.sparse as sp
from torch import Tensor

from avatar.heads import Head
from avatar.mesh import Mesh
from avatar.mesh.edges import adjacency
from avatar.mesh.normals import point_normals
from avatar.mesh.similarity import Similarity, fit_similarity
from avatar.mesh.vectors import Floats, Ints
from avatar.transfer.template import Template, template_of


@dataclass(frozen=True)
class Laid:
    """Lengths are metres at the size of anny-head, places are head space."""

    template: Template
    fitted: Floats  # [S, 3] the template on the mesh
    vertices: Floats  # [V, 3]
    faces: Ints  # [M, 3]
    normals: Floats  # [V, 3]
    links: sp.csr_array  # [V, V] ones where two vertices share an edge
    to_head: Similarity  # from the mesh's own space


def lay(head: Head, mesh: Mesh, fitted: Tensor) -> Laid:
    """fitted [S, 3]: anny-head's vertices on the mesh, in the mesh's own space and unit."""
    template = template_of(head)
    assert fitted.shape == head.vertices.shape, fitted.shape
    at_fit, to_head = fitted.double().numpy(), to_head_space(head, fitted)
    vertices, faces = to_head.apply(mesh.vertices.double().numpy()), mesh.faces.numpy()
    return Laid(
        template=template,
        fitted=to_head.apply(at_fit),
        vertices=vertices,
        faces=faces,
        normals=point_normals(vertices, faces),
        links=adjacency(faces, len(vertices)),
        to_head=to_head,
    )


def to_head_space(head: Head, fitted: Tensor) -> Similarity:
    """From the space of a mesh onto which anny-head's vertices were laid [S, 3] to head space."""
    template = template_of(head)
    outer = fitted.double().numpy()[template.outer]
    return fit_similarity(outer, template.vertices[template.outer])
