"""A mesh with the template registered to it, both in head space, and the classes of its vertices:
skin above or below the line of the lips, eyeballs, teeth, tongue, which move differently."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph, linalg
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.closest import FaceTree, closest, face_tree
from avatar.geometry.edges import adjacency, boundary_vertices
from avatar.geometry.similarity import Similarity, fit_similarity
from avatar.geometry.triangle_mesh import Mesh, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.heads import Head
from avatar.retarget.template import Template, template_of


@dataclass(frozen=True)
class RegisteredPair:
    """A mesh and the template fitted to it, in head space: metres at the size of anny-head."""

    template: Template
    fitted: Floats  # [S, 3] the template on the mesh
    vertices: Floats  # [V, 3]
    faces: Ints  # [M, 3]
    normals: Floats  # [V, 3]
    links: sp.csr_array  # [V, V] ones where two vertices share an edge
    to_head: Similarity  # from the mesh's own space


def registered_pair(head: Head, mesh: Mesh, fitted: Tensor) -> RegisteredPair:
    """fitted [S, 3]: anny-head's vertices on the mesh, in the mesh's own space and unit."""
    template = template_of(head)
    assert fitted.shape == head.vertices.shape, fitted.shape
    at_fit, to_head = fitted.double().numpy(), to_head_space(head, fitted)
    vertices, faces = to_head.apply(mesh.vertices.double().numpy()), mesh.faces.numpy()
    return RegisteredPair(
        template=template,
        fitted=to_head.apply(at_fit),
        vertices=vertices,
        faces=faces,
        normals=point_normals(vertices, faces),
        links=adjacency(faces, len(vertices)),
        to_head=to_head,
    )


def to_head_space(head: Head, fitted: Tensor) -> Similarity:
    """From the space of a mesh to which anny-head's vertices [S, 3] were fitted to head space."""
    template = template_of(head)
    outer = fitted.double().numpy()[template.outer]
    return fit_similarity(outer, template.vertices[template.outer])


UPPER, LOWER, LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH, TONGUE, LASHES = range(8)
SKIN = 1 << UPPER | 1 << LOWER
PARTS = {
    "l-eye": LEFT_EYE,
    "r-eye": RIGHT_EYE,
    "upper-teeth": UPPER_TEETH,
    "lower-teeth": LOWER_TEETH,
    "tongue": TONGUE,
}
LIP_ZONE = 0.02  # metres from the line of the lips within which sides are weighed
SURE = 0.003  # metres: by so much one side must be nearer than the other to be beyond doubt
TILT = 0.004  # metres that a normal at right angles to the template's is worth
CREASE = 0.5  # radians: over a valley this sharp, sides hang together less by a factor e
BAND = 0.004  # metres from the line of the lips: along a cut, nearness says nothing here
PARTED, STEPS = 0.8, 40  # share of the points along that line near an open edge; holes have less
DOUBT, DOUBT_CUT = 0.05, 1e-6  # weight of a vertex's own nearness against its neighbours'


def template_tree(template: Template, vertices: Floats) -> FaceTree:
    """anny-head's triangles between vertices [S, 3], each with its class."""
    head = template.head
    names, groups = head.group_names, head.face_groups.numpy()
    classes = np.array([PARTS.get(name, LASHES) for name in names])[groups]
    body = groups == names.index("body")
    upper = template.upper[head.faces.numpy()].sum(1) >= 2
    classes[body] = np.where(upper[body], UPPER, LOWER)
    return face_tree(vertices, head.faces.numpy(), classes)


def vertex_classes(pair: RegisteredPair, tree: FaceTree) -> Ints:
    """[V] the class of each vertex of the mesh; its lashes are LASHES, its sealed eyes skin."""
    classes = _component_classes(pair, tree)
    skin = classes == UPPER
    classes[skin & ~_upper_side(pair, tree, skin)] = LOWER
    return classes


def _component_classes(pair: RegisteredPair, tree: FaceTree) -> Ints:
    """[V] the part that a connected component is, by what is nearest to most of its vertices; UPPER
    for all skin."""
    _, component = csgraph.connected_components(pair.links, directed=False)
    nearest = tree.classes[closest(tree, pair.vertices).faces]
    nearest[nearest == LOWER] = UPPER
    votes = np.zeros((component.max() + 1, LASHES + 1))
    np.add.at(votes, (component, nearest), 1)
    return votes.argmax(1)[component]


def _upper_side(pair: RegisteredPair, tree: FaceTree, skin: Bools) -> Bools:
    """[V] true for skin above the line of the lips.

    Far from the line the nearer side decides. Close to it a vertex goes with its neighbours, less
    so across a valley, since that is where lips meet: a harmonic field between the sure vertices.
    Where the lips are cut apart, nothing but the cut says where they meet.
    """
    hit = closest(tree, pair.vertices, allowed=np.full(len(pair.vertices), SKIN))
    nearer = np.where(tree.classes[hit.faces] == UPPER, 1.0, -1.0)
    lean, zone = np.where(_near_lips(pair), 0.0, nearer), np.flatnonzero(skin & _near_lips(pair))
    apart = _towards(pair, tree, zone, LOWER) - _towards(pair, tree, zone, UPPER)
    lean[zone] = np.clip(apart / SURE, -1, 1)
    cut, band = _cut_skin(pair)
    lean[cut & ~band] = np.sign(lean[cut & ~band])
    free = zone[np.where(cut[zone], band[zone], np.abs(lean[zone]) < 1)]
    if len(free):
        lean[free] = _spread(pair, lean, free, cut)
    return lean > 0


def _cut_skin(pair: RegisteredPair) -> tuple[Bools, Bools]:
    """[V] true for the largest component if it is open along most of the line of the lips, and [V]
    true next to that line."""
    line = _lip_line(pair)
    steps = np.linspace(0, len(line) - 1, STEPS)
    dense = np.stack([np.interp(steps, np.arange(len(line)), line[:, k]) for k in range(3)], axis=1)
    band = np.asarray(KDTree(dense).query(pair.vertices)[0]) < BAND
    _, component = csgraph.connected_components(pair.links, directed=False)
    largest = component == np.bincount(component).argmax()
    rim = pair.vertices[largest & boundary_vertices(pair.faces, len(pair.vertices))]
    near = np.asarray(KDTree(rim).query(dense)[0]) < BAND if len(rim) else np.zeros(STEPS)
    return largest & bool(near.mean() > PARTED), band


def _lip_line(pair: RegisteredPair) -> Floats:
    """Points [P, 3] where the lips meet, right to left."""
    template = pair.template
    return (pair.fitted[template.lips_upper] + pair.fitted[template.lips_lower]) / 2


def _near_lips(pair: RegisteredPair) -> Bools:
    """[V] true within LIP_ZONE of the line of the lips."""
    line = _lip_line(pair)
    ends = line[[0, -1]] + 0.3 * (line[[0, -1]] - line[[1, -2]])
    line = np.concatenate([ends[:1], line, ends[1:]])
    box = (pair.vertices > line.min(0) - LIP_ZONE) & (pair.vertices < line.max(0) + LIP_ZONE)
    return box.all(1)


def _towards(pair: RegisteredPair, tree: FaceTree, index: Ints, kind: int) -> Floats:
    """Distances [P] of vertices from one class, a turned normal counting as distance."""
    points, normals = pair.vertices[index], pair.normals[index]
    allowed = np.full(len(index), 1 << kind)
    best = np.full(len(index), np.inf)
    for cosine in (0.8, 0.3, -2.0):
        hit = closest(tree, points, normals, cosine, allowed)
        found = hit.faces >= 0
        agreement = (tree.normals[hit.faces] * normals).sum(1)
        far = np.hypot(np.where(found, hit.distances, 1.0), TILT * (1 - agreement))
        best = np.where(found, np.minimum(best, far), best)
    return best


def _spread(pair: RegisteredPair, lean: Floats, free: Ints, cut: Bools) -> Floats:
    """The lean [P] of vertices in doubt: near their own and their neighbours'; on skin that is cut
    [V], that of their neighbours."""
    conduct = _conductance(pair, free, np.where(cut[free], np.inf, CREASE))
    doubt = np.where(cut[free], DOUBT_CUT, DOUBT)
    total = np.asarray(conduct.sum(1)).ravel()
    inner = conduct[:, free]
    system = sp.diags_array(total + doubt) - inner
    outside = lean.copy()
    outside[free] = 0
    return np.asarray(linalg.spsolve(sp.csc_array(system), doubt * lean[free] + conduct @ outside))


def _conductance(pair: RegisteredPair, free: Ints, crease: Floats) -> sp.csr_array:
    """[P, V] weights between neighbours: 1 on even skin and over ridges, over valleys less by a
    factor e for each crease [P]."""
    rows = pair.links[free].tocoo()
    one, other = free[rows.row], rows.col
    along = pair.vertices[other] - pair.vertices[one]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    opening = ((pair.normals[one] - pair.normals[other]) * along).sum(1) / length
    weights = np.exp(-np.maximum(opening, 0) / crease[rows.row])
    return sp.coo_array((weights, (rows.row, other)), rows.shape).tocsr()
