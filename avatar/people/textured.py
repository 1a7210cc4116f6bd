"""Skin, irises, brows and lashes as the library's pictures have them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, axes, mix, normalised, smoothstep
from avatar.people.cards import Cards, CardStrands, strands_on
from avatar.people.eyes import Albedo
from avatar.people.layer import Layer, layer
from avatar.people.library import Library, texels_at, texture
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.skin import Skin
from avatar.people.surface import at_spots, even_spots, mesh

SHARPENED = 0.6  # of what a blur takes away: samples and their discs blur as well
BLUR = 2.0  # texels
UNKNOWN_BELOW = -0.07  # metres: skin below may be missing in the pictures
EYE_STEP = 0.4 * MM  # between samples of the eyes' pictures


def skin_albedo(
    skin: Skin, uv: Floats, shares: Mapping[str, float], tint: ArrayLike, lips: ArrayLike
) -> Floats:
    """Reflectance [N, 3] of skin: a mixture of pictures, tinted.

    uv [M, 3, 2] of the corners of the subject's triangles; shares by picture; tint and lips [3]:
    factors on the colour of all skin and of the lips.
    """
    texels = np.sum([share * texture("skins", name) for name, share in shares.items()], axis=0)
    colours, known = texels[..., :3], texels[..., 3:] >= 0.5
    blurred = gaussian_filter(colours, (BLUR, BLUR, 0))
    sharp = np.clip(colours + SHARPENED * (colours - blurred), 0, 1)
    where = texture_positions(skin, uv)
    albedo = linear(255 * texels_at(sharp, where)) * np.asarray(tint)
    blank = texels_at(known.astype(np.float32), where)[:, 0] < 0.8
    blank &= skin.points[:, 1] < UNKNOWN_BELOW
    if blank.any():
        near = KDTree(skin.points[~blank]).query(skin.points[blank], 8)[1]
        albedo[blank] = albedo[~blank][near].mean(1)
    return mix(albedo, albedo * np.asarray(lips), skin.lips)


def texture_positions(skin: Skin, uv: Floats) -> Floats:
    """Texture coordinates [N, 2] of samples of skin; uv [M, 3, 2] of the triangles' corners."""
    return np.einsum("nc,ncx->nx", skin.spots.weights, uv[skin.spots.triangles])


def iris_albedo(library: Library, bust: Floats, name: str, saturation: float) -> Albedo:
    """The reflectance of eyeballs with an iris of the library, whose pupil is where the eye looks.

    saturation: of the iris against the picture's.
    """
    texels = texture("irises", name)
    part = library.parts["eyes/high-poly"]
    surface = mesh(part.bound(bust), part.faces)
    spots = even_spots(surface, np.arange(len(part.faces)), EYE_STEP, np.random.default_rng(0))
    uv = np.einsum("nc,ncx->nx", spots.weights, part.uv[spots.triangles])
    points = at_spots(surface.vertices, part.faces, spots)
    opaque = texels_at(texels[..., 3:], uv)[:, 0] > 0.5
    points, uv = points[opaque], uv[opaque]
    trees = []
    for side in (-1.0, 1.0):
        on_side = points[:, 0] * side > 0
        ball = points[on_side]
        outward = normalised(ball - (ball.max(0) + ball.min(0)) / 2)
        front = outward[:, 2] > 0
        outward, there = outward[front], uv[on_side][front]
        trees.append((KDTree(outward), there, _pupil(texels, outward, there)))

    def albedo(points: Floats, normals: Floats, gaze: Floats, ring: Floats) -> Floats:
        tree, there, pupil = trees[int(points[:, 0].mean() > 0)]
        distance, near = tree.query(normals @ _turn(gaze, pupil).T, 4)
        weights = 1 / (distance + 1e-4)
        weights /= weights.sum(1, keepdims=True)
        found = linear(
            255 * texels_at(texels[..., :3], np.einsum("nk,nkx->nx", weights, there[near]))
        )
        grey = found.mean(1, keepdims=True)
        in_iris = 1 - smoothstep(1.0, 1.1, ring)
        return mix(found, grey + (found - grey) * saturation, in_iris) * 0.95

    return albedo


def _pupil(texels: Floats, outward: Floats, uv: Floats) -> Floats:
    """The direction [3] in which the pupil of a picture lies: the middle of what is darkest near
    the front."""
    dark = texels_at(gaussian_filter(texels[..., :3].mean(2), 4.0)[..., None], uv)[:, 0]
    ahead = np.flatnonzero(outward[:, 2] > 0.9)
    darkest = ahead[np.argsort(dark[ahead])[:20]]
    return normalised(outward[darkest].mean(0))


def _turn(source: Floats, target: Floats) -> Floats:
    """The smallest rotation [3, 3] that takes one unit vector [3] to another."""
    x, y, z = np.cross(source, target)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + skew + skew @ skew / (1 + source @ target)


LIFT = 0.35 * MM  # of brows over the skin
BROW_SHADE = 0.6  # of the hair's colour


def brow_layer(
    studio: Studio, library: Library, bust: Floats, name: str, colour: ArrayLike, weight: float
) -> Layer:
    """Brows of the library: single hairs in the picture's directions."""
    hairs = _hairs(library, bust, f"eyebrows/{name}", (1.5 * MM, 0.26 * MM), 0.15, studio.rng)
    subject = studio.subject
    visible = studio.light.at_rest(hairs.points + hairs.normals * MM, 2 * MM)
    albedo = BROW_SHADE * linear(colour) * np.exp(0.2 * studio.rng.normal(size=(len(hairs), 1)))
    return layer(
        means=hairs.points + hairs.normals * LIFT,
        axes=axes(hairs.tangents, hairs.normals),
        scales=(0.85 * MM, 0.08 * MM, 0.14 * MM),
        radiance=lit_skin(hairs.normals, visible, albedo, 0.5),
        opacities=np.clip(hairs.alphas * 0.6 * weight, 0, 0.95),
        triangles=subject.nearest(subject.skin, hairs.points),
    )


def lash_layer(studio: Studio, library: Library, bust: Floats, name: str, weight: float) -> Layer:
    """Lashes of the library, on the head's own strips, so that they follow the blink."""
    hairs = _hairs(library, bust, f"eyelashes/{name}", (1.1 * MM, 0.22 * MM), 0.3, studio.rng)
    subject = studio.subject
    strips = [group for group in subject.head.group_names if "eyelashes" in group]
    return layer(
        means=hairs.points,
        axes=axes(hairs.tangents, hairs.normals),
        scales=(0.55 * MM, 0.05 * MM, 0.08 * MM),
        radiance=np.tile(linear((32, 24, 20)), (len(hairs), 1)),
        opacities=np.clip(hairs.alphas * 0.35 * weight, 0, 0.95),
        triangles=subject.nearest(subject.part(*strips), hairs.points),
    )


def _hairs(
    library: Library,
    bust: Floats,
    name: str,
    spacing: tuple[float, float],
    cut: float,
    rng: np.random.Generator,
) -> CardStrands:
    part = library.parts[name]
    cards = Cards(part.bound(bust), part.faces, part.uv, texture(*name.split("/")), sigma=2.0)
    return strands_on(cards, *spacing, rng, cut, density=10)
