"""Teeth, gums and tongue of the library, lit as they are with the jaw open."""

import numpy as np

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, Ints, bell, normalised, smoothstep
from avatar.people.layer import Layer, discs
from avatar.people.library import load_library, texels_at, texture
from avatar.people.masks import fractal_noise
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.subject import Subject
from avatar.people.surface import even_spots, mesh, smooth_points

BACK_TEETH, TONGUE_ROOT = 52 * MM, 34 * MM  # z behind which nothing is ever seen
SIDE_TEETH = 78 * MM  # z behind which teeth are sampled less closely
ENAMEL_TINT, TONGUE_TINT = np.array([1.12, 1.02, 0.86]), np.array([0.74, 0.50, 0.48])
AMBIENT = 0.36  # of the teeth's own colour, that no shadow takes


def mouth_layer(studio: Studio) -> Layer:
    """Both rows of teeth and the tongue."""
    rows = [_teeth(studio, group) for group in ("upper-teeth", "lower-teeth")]
    return concatenated([*rows, _tongue(studio)])


def _teeth(studio: Studio, group: str) -> Layer:
    subject = studio.subject
    part = load_library().parts["teeth/teeth"]
    row = np.isin(part.reference[:, 0], _on_bust(subject, group))
    points, normals, spacing, colour, owners = _sampled(
        studio, "teeth/teeth", group, row, BACK_TEETH, (0.70 * MM, 1.5 * MM)
    )
    albedo = linear(colour * 255) * ENAMEL_TINT
    open_points = points + _dropped(subject, owners)
    visible = studio.light.when_stretched(open_points, 2 * MM)
    wet = lit_skin(normals, visible, albedo, 0.6, 1.0, 60.0)
    depth = 1 - 0.80 * smoothstep(89, 50, points[:, 2] / MM)
    radiance = (wet * 0.62 + albedo * AMBIENT) * depth[:, None]
    tongue_side = (normals * normalised(points * [1.0, 0.0, 1.0] - [0, 0, 45 * MM])).sum(1)
    radiance *= (1 - 0.55 * smoothstep(0.2, -0.5, tongue_side))[:, None]
    return discs(points, normals, spacing * 0.85, 0.2, radiance, 0.97, owners)


def _tongue(studio: Studio) -> Layer:
    subject = studio.subject
    everywhere = np.ones(len(load_library().parts["tongue/tongue01"].reference), bool)
    points, normals, spacing, colour, owners = _sampled(
        studio, "tongue/tongue01", "tongue", everywhere, TONGUE_ROOT, (1.5 * MM, 1.5 * MM)
    )
    x, _, z = points.T / MM
    groove = 1 - 0.28 * bell(x, 1.8) * smoothstep(35, 65, z)
    uneven = 1 + 0.12 * fractal_noise(points, 260, 2, 60)
    albedo = linear(colour * 255) * TONGUE_TINT * (groove * uneven)[:, None]
    papillae = normalised(normals + 0.2 * studio.rng.normal(size=normals.shape))
    visible = studio.light.when_stretched(points + _dropped(subject, owners), 2 * MM)
    wet = lit_skin(papillae, visible, albedo, 1.0, 1.2, 30.0)
    own = 0.10 + 0.22 * smoothstep(50, 78, z)
    radiance = (wet * 0.70 + albedo * own[:, None]) * (1 - 0.9 * smoothstep(78, 35, z))[:, None]
    return discs(points, normals, spacing * 0.85, 0.15, radiance, 0.97, owners)


def _on_bust(subject: Subject, group: str) -> Ints:
    """The library's vertices of one of the head's groups."""
    return load_library().head[subject.head.group_vertices(group).numpy()]


def _sampled(
    studio: Studio,
    name: str,
    group: str,
    chosen: np.ndarray,
    behind: float,
    spacings: tuple[float, float],
) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Even samples of a part in front of a depth `behind`: points and normals [N, 3], spacing [N],
    colours [N, 3], and the nearest triangles [N] of the head's group.

    chosen [P]: vertices of the part of which triangles must be; spacings: of what lies in front of
    SIDE_TEETH, and behind.
    """
    library, subject = load_library(), studio.subject
    part = library.parts[name]
    bust = library.vertices.copy()
    bust[library.head] = subject.rest.vertices[: len(library.head)]
    surface = mesh(part.bound(bust), part.faces)
    depth = surface.vertices[:, 2]
    kept = chosen[part.faces].all(1) & (depth[part.faces].max(1) > behind)
    spacing = np.where(depth > SIDE_TEETH, *spacings)
    spots = even_spots(surface, np.flatnonzero(kept), spacing, studio.rng)
    points, normals = smooth_points(surface, spots)
    uv = np.einsum("nc,ncx->nx", spots.weights, part.uv[spots.triangles])
    colours = texels_at(texture(*name.split("/"))[..., :3], uv)
    return points, normals, spots.spacing, colours, subject.nearest(subject.part(group), points)


def _dropped(subject: Subject, triangles: Ints) -> Floats:
    """How far [N, 3] triangles of the head move when the mouth opens."""
    corners = subject.faces[triangles]
    return (subject.stretched.vertices - subject.rest.vertices)[corners].mean(1)
