"""What registration and transfer know of anny-head beyond its mesh."""

from dataclasses import dataclass

import numpy as np

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.geometry.zbuffer import seen_faces
from avatar.heads import Head, eyeball

MOUTH = np.array([0.0, -0.0495, 0.092])  # metres: the middle of the mouth


@dataclass(frozen=True, eq=False)
class Template:
    """anny-head, taken apart; S vertices."""

    head: Head
    vertices: Floats  # [S, 3] metres, head space
    skin_faces: Ints  # [m, 3] the body's triangles, mouth and sockets included
    normals: Floats  # [S, 3] of the body and of each part on its own
    body: Bools  # [S] vertices of the body
    outer: Bools  # [S] vertices of the body that are seen from outside
    eyes: Bools  # [S] vertices of the eyeballs that are seen from outside
    weight: Floats  # [S] of a vertex in finding the face, 0 .. 1
    upper: Bools  # [S] body vertices that belong to the upper lip and what is above it
    lips_upper: Ints  # [P] pairs along the line of the lips, right to left
    lips_lower: Ints  # [P]


def template_of(head: Head) -> Template:
    """The template of a head, computed once."""
    assert head.topology == "anny-head", head.topology
    return _TEMPLATES.get(id(head)) or _TEMPLATES.setdefault(id(head), _template(head))


_TEMPLATES: dict[int, Template] = {}  # by the identity of their heads, which they keep


def _template(head: Head) -> Template:
    vertices = head.vertices.numpy().astype(np.float64)
    skin = head.faces[head.group_faces("body")].numpy()
    outside = head.faces[head.group_faces("body", "l-eye", "r-eye")].numpy()
    body, seen = np.zeros(len(vertices), bool), np.zeros(len(vertices), bool)
    body[skin] = True
    seen[outside[seen_faces(vertices, outside)]] = True
    normals = point_normals(vertices, head.faces.numpy())
    outer = body & seen & ~_in_socket(head, vertices, normals) & ~_in_mouth(vertices, normals)
    return Template(
        head=head,
        vertices=vertices,
        skin_faces=skin,
        normals=normals,
        body=body,
        outer=outer,
        eyes=seen & ~body,
        weight=_weights(vertices),
        upper=_upper_side(head, vertices),
        lips_upper=head.regions["lip_inner_upper"].numpy(),
        lips_lower=head.regions["lip_inner_lower"].numpy(),
    )


def _in_socket(head: Head, vertices: Floats, normals: Floats) -> Bools:
    """[S] true where the skin faces the eyeball it is wrapped around."""
    inside = np.zeros(len(vertices), bool)
    for group in ("l-eye", "r-eye"):
        centre, radius = (part.numpy() for part in eyeball(head, head.vertices, group))
        away = vertices - centre
        distance = np.linalg.norm(away, axis=1)
        facing = (away * normals).sum(1) < -0.3 * distance
        inside |= facing & (distance < 1.5 * radius)
    return inside


def _in_mouth(vertices: Floats, normals: Floats) -> Bools:
    """[S] true behind the line of the lips where the skin does not face the front."""
    near = (np.abs(vertices[:, 0]) < 0.03) & (np.abs(vertices[:, 1] - MOUTH[1]) < 0.009)
    behind = vertices[:, 2] < 0.0985 - 18.0 * vertices[:, 0] ** 2
    return near & behind & (normals[:, 2] < 0.45)


def _weights(vertices: Floats) -> Floats:
    """[S] 1 on the face, less on ears and crown where hair hides the skin, least on the neck."""
    _, y, z = vertices.T

    def step(values: Floats, low: float, high: float) -> Floats:
        return np.clip((values - low) / (high - low), 0, 1)

    face = step(z, 0.0, 0.04) * step(y, -0.105, -0.09) * step(-y, -0.095, -0.07)
    neck = step(-y, 0.05, 0.08) * step(-z, -0.06, -0.04)
    return np.maximum(np.where(neck > 0.5, 0.1, 0.25), face)


def _upper_side(head: Head, vertices: Floats) -> Bools:
    """[S] true for what the jaw moves less than it moves the line of the lips there."""
    drop = -head.unit("jawOpen").numpy()[:, 1]
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    line = vertices[upper, 0]
    order = np.argsort(line)
    between = ((drop[upper] + drop[lower]) / 2)[order]
    return drop <= np.interp(vertices[:, 0], line[order], between)
