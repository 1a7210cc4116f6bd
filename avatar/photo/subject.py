"""The person of the photos as a bust of the library, dressed, with the colour of the irises and the
light of the eyes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import binary_erosion, gaussian_filter1d, median_filter
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.closest import closest, face_tree
from avatar.geometry.records import stacked
from avatar.geometry.vectors import MM, Bools, Floats, Ints, mix, smoothstep
from avatar.geometry.zbuffer import NOTHING, project, project_samples, rasterize
from avatar.lighting.occlusion import Fog
from avatar.lighting.symmetry import Observed, in_own_light, joined
from avatar.people.bust import bust_subject
from avatar.people.eyes import Albedo
from avatar.people.garment import LOWEST, Garment, garment_of
from avatar.people.library import Library, load_library, with_head
from avatar.people.shading import Lighting, Studio, bust_shadows, linear
from avatar.people.subject import Subject
from avatar.people.surface import Mesh, Spots, mesh, smooth_points
from avatar.photo.cloth_matte import cloth_mask
from avatar.photo.fit import LIDS, Fitted
from avatar.photo.photograph import SeenPhoto
from avatar.photo.project import View, beneath_face, polygon, view_of
from avatar.photo.robust_fill import seamless, together
from splat import Camera

IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Landmarks of each iris: its middle, then four on its rim."""
RING = (0.45, 0.9)  # of an iris's radius: between pupil and rim
WHITE = 0.80  # quantile of brightness in an eye's opening that its white has
PAINTED_WHITE = 0.62  # sRGB of the painted white, between the lids
LEAST, MOST = 0.55, 1.25  # of the painted light
FEWEST = 6  # pixels to take a colour from
BROWN = (70, 50, 36)
COARSE = 4  # pixels, in steps of which outlines are compared
FREE = 60 * MM  # of the head, over which the bust becomes free to be moved
DROPS, WIDER = np.arange(-30, 31, 10) * MM, (-0.1, 0.0, 0.1, 0.2)  # of shoulders that are tried

MOST_RISE, FALLING, NECK = 25 * MM, 120 * MM, 40 * MM
"""Of shoulders, at their outline; height below it over which it falls off, and way from the neck
over which it sets in."""


def iris_colour(seen: SeenPhoto) -> Floats:
    """The mean colour [3] of the irises that a photo shows, linear."""
    pixels = np.concatenate([_iris_pixels(seen, *pair) for pair in zip(IRISES, LIDS, strict=True)])
    if len(pixels) < FEWEST:
        return linear(BROWN)
    bright = pixels.sum(1)
    inliers = (bright > np.quantile(bright, 0.2)) & (bright < np.quantile(bright, 0.8))
    return linear(np.clip(np.median(pixels[inliers], axis=0) * 255, 4, 250))


def coloured_iris(albedo_of: Albedo, wanted: Floats) -> Albedo:
    """Eyes whose irises have a mean colour [3] that is wanted."""

    def albedo(points: Floats, normals: Floats, gaze: Floats, ring: Floats) -> Floats:
        found = albedo_of(points, normals, gaze, ring)
        mean = found[(ring > RING[0]) & (ring < RING[1])].mean(0)
        return mix(found, found * wanted / mean, 1 - smoothstep(0.95, 1.05, ring))

    return albedo


def eye_light(seen: SeenPhoto) -> float:
    """How bright the whites of the eyes are, where the painted ones have 1 (linear light)."""
    inside = np.asarray(binary_erosion(polygon(seen, LIDS[0]) | polygon(seen, LIDS[1])), bool)
    if inside.sum() < FEWEST:
        return 1.0
    white = float(np.quantile(seen.picture[inside].mean(1), WHITE))
    return float(np.clip((white / PAINTED_WHITE) ** 2.2, LEAST, MOST))


def _iris_pixels(seen: SeenPhoto, iris: tuple[int, ...], lids: tuple[int, ...]) -> Floats:
    """Colours [P, 3] between the pupil and the rim, where the lids leave them free."""
    middle, *rim = seen.points[list(iris)].double().numpy()
    radius = float(np.linalg.norm(np.array(rim) - middle, axis=1).mean())
    rows, columns = np.indices(seen.person.shape)
    away = np.hypot(columns + 0.5 - middle[0], rows + 0.5 - middle[1]) / radius
    ring: Bools = (away > RING[0]) & (away < RING[1]) & polygon(seen, lids)
    return seen.picture[ring]


@dataclass(frozen=True)
class Scene:
    """The subject, and how each photo shows them."""

    library: Library
    bust: Floats  # [B, 3] the library's base mesh in this person's shape, at rest
    uv: Floats  # [M, 3, 2] texture coordinates of the subject's triangles
    garment: Garment
    studio: Studio
    views: list[View]

    @property
    def subject(self) -> Subject:
        return self.studio.subject


def subject_scene(fitted: Fitted, rng: np.random.Generator) -> Scene:
    """Seat the person of the photos."""
    library = load_library()
    bust = with_head(library, library.vertices, fitted.rest.double().numpy())
    bust, name, garment = best_garment(library, bust, fitted)
    subject, uv = bust_subject(library, bust, library.parts[f"clothes/{name}"], garment.surface)
    rest, stretched = (bust_shadows(subject, shape) for shape in (subject.rest, subject.stretched))
    no_fog = Fog(np.zeros((2, 2, 2), np.float32), np.zeros(3))
    studio = Studio(subject, Lighting(rest, stretched, no_fog), rng)
    opaque = _opaque(subject)
    posed, resting = fitted.posed(subject.units), fitted.posed(0 * subject.units)
    views = [
        view_of(photo, _posed(subject, shape), _whole(subject, calm), opaque)
        for photo, shape, calm in zip(fitted.photos, posed, resting, strict=True)
    ]
    return Scene(library, bust, uv, garment, studio, views)


def best_garment(library: Library, bust: Floats, fitted: Fitted) -> tuple[Floats, str, Garment]:
    """The bust [B, 3] with shoulders that come nearest to the first photo's outline, and those of
    the library's clothes that leave most nearly the same skin free."""
    photo = fitted.photos[0]
    head = photo.posed(fitted.rest, fitted.model).double().numpy()
    skin = library.faces[(library.vertices[library.faces][..., 1] > LOWEST).all(1)]
    below, person, worn = (
        mask[::COARSE, ::COARSE]
        for mask in (
            beneath_face(photo.seen) & (photo.seen.hair < 0.5),
            photo.seen.person > 0.5,
            cloth_mask(photo.seen) > 0,
        )
    )
    K = photo.camera.K / torch.tensor([[COARSE], [COARSE], [1.0]])
    camera = replace(photo.camera, K=K, width=below.shape[1], height=below.shape[0])

    def shown(shape: Floats, garment: Garment) -> Ints:
        posed = shape.copy()
        posed[library.head] = head
        vertices = np.concatenate([posed, garment.surface.vertices])
        faces = stacked([skin, garment.surface.faces], [len(shape), len(garment.surface.vertices)])
        return rasterize(project_samples(camera, vertices), faces, *below.shape).faces

    def outline(shape: Floats) -> float:
        there = shown(shape, dressed(shape, library.names("clothes")[0])) != NOTHING
        return float((there == person)[below].mean())

    def neckline(name: str) -> float:
        return float(((shown(shape, dressed(shape, name)) >= len(skin)) == worn)[below].mean())

    def dressed(shape: Floats, name: str) -> Garment:
        return garment_of(library.parts[f"clothes/{name}"], shape, name)

    shape = max(_with_shoulders(library, bust), key=outline)
    there = shown(shape, dressed(shape, library.names("clothes")[0])) != NOTHING
    shape = raised_to_outline(shape, bust[library.head], camera, there & below, person & below)
    name = max(library.names("clothes"), key=neckline)
    return shape, name, dressed(shape, name)


def _with_shoulders(library: Library, bust: Floats) -> Iterator[Floats]:
    """The bust with lower, higher, wider and narrower shoulders."""
    free = smoothstep(0, FREE, KDTree(bust[library.head]).query(bust)[0])
    for drop in DROPS:
        for wider in WIDER:
            yield bust + free[:, None] * (bust * [wider, 0, 0] - [0, drop, 0])


def raised_to_outline(
    shape: Floats, head: Floats, camera: Camera, there: Bools, person: Bools
) -> Floats:
    """The bust [B, 3] with shoulders raised or lowered from its own outline in a picture, which
    shows it there [H, W], to that of the person [H, W]."""
    pixels, depths = (part.numpy() for part in project(camera, torch.from_numpy(shape)))
    metres = float(np.median(depths)) / float(camera.K[1, 1])
    own, wanted = (np.where(mask.any(0), mask.argmax(0), -1) for mask in (there, person))
    known = (own >= 0) & (wanted >= 0)
    if not known.any():
        return shape
    columns = np.arange(len(own))
    rise = np.interp(columns, columns[known], (own - wanted)[known] * metres)
    rise = np.clip(gaussian_filter1d(median_filter(rise, 5), 1.5), -MOST_RISE, MOST_RISE)
    outline = np.interp(pixels[:, 0], columns[known], own[known])
    share = smoothstep(FALLING, 0, (pixels[:, 1] - outline) * metres)
    share *= smoothstep(0, NECK, KDTree(head).query(shape)[0])
    steps = np.interp(pixels[:, 0], columns + 0.5, rise) * share
    return shape + steps[:, None] * [0, 1, 0]


def _posed(subject: Subject, head: Tensor) -> Mesh:
    """The subject's whole mesh with a head [V, 3] as a photo shows it, in the world."""
    return mesh(_whole(subject, head), subject.faces)


def _whole(subject: Subject, head: Tensor) -> Floats:
    """Vertices [W, 3] of a head [V, 3] and the torso."""
    return np.concatenate([head.double().numpy(), subject.rest.vertices[len(head) :]])


def _opaque(subject: Subject) -> Ints:
    """Triangles [m] that hide what is behind them: all but lashes."""
    lashes = [name for name in subject.head.group_names if "eyelashes" in name]
    return np.setdiff1d(np.arange(len(subject.faces)), subject.part(*lashes))


def mirrored_spots(subject: Subject, spots: Spots, triangles: Ints) -> Spots:
    """The spots mirrored to the other side of the body, on some triangles [m]."""
    there = subject.painted.vertices[subject.faces[spots.triangles]]
    points = np.einsum("nc,ncx->nx", spots.weights, there) * [-1.0, 1.0, 1.0]
    hit = closest(face_tree(subject.painted.vertices, subject.faces[triangles]), points)
    return Spots(triangles[hit.faces], hit.weights, spots.spacing)


def world_normals(view: View, spots: Spots) -> Floats:
    """Normals [N, 3] of spots as a photo shows them."""
    corners = view.shape.faces[spots.triangles]
    normals = np.einsum("nc,ncx->nx", spots.weights, view.shape.normals[corners])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def observe_spots(
    scene: Scene, spots: Spots, triangles: Ints, observe: Callable[[View, Spots], Observed]
) -> tuple[Observed, Observed]:
    """Observations of spots on some triangles [m], by themselves and with their mirrored spots."""
    other = mirrored_spots(scene.subject, spots, triangles)
    own, there = (
        together([observe(view, each) for view in scene.views]) for each in (spots, other)
    )
    first = scene.views[0]
    normals = (world_normals(first, spots), world_normals(first, other))
    there = in_own_light(own, there, *normals)
    points, outwards = smooth_points(scene.subject.rest, spots)
    return own, joined(own, seamless(own, there, points, outwards))
