"""The library of parts: how they follow the bust, and the strands on cards."""

import numpy as np
import pytest
from trimesh.creation import icosphere

from avatar.geometry.edges import edges_of
from avatar.geometry.triangle_mesh import face_areas
from avatar.geometry.vectors import MM
from avatar.heads import load_head
from avatar.people.bust import bust_of, bust_subject
from avatar.people.cards import Cards, rounded, strands_on, texture_flow
from avatar.people.garment import garment_of
from avatar.people.hair_cards import Style
from avatar.people.library import Part, load_library, texels_at, texture, texture_names
from research.people.hair import deformed
from research.people.looks import IDENTITIES
from research.people.sampler import random_person

LIBRARY = load_library()
HEAD = load_head()


def naive(part: Part, bust: np.ndarray) -> np.ndarray:
    """One vertex after the other."""
    growth = [
        abs(bust[a, axis] - bust[b, axis]) / part.lengths[axis]
        for axis, (a, b) in enumerate(part.measured)
    ]
    points = []
    for row, weights, offset in zip(part.reference, part.weights, part.offsets, strict=True):
        points.append(sum(w * bust[v] for w, v in zip(weights, row, strict=True)) + offset * growth)
    return np.array(points)


@pytest.mark.parametrize("name", ["hair/long01", "eyebrows/eyebrow001", "teeth/teeth"])
def test_parts_follow_the_bust_when_it_moves_and_grows(name: str):
    part = LIBRARY.parts[name]
    at_rest = part.bound(LIBRARY.vertices)
    assert np.allclose(at_rest, naive(part, LIBRARY.vertices), atol=1e-9)
    shift = np.array([0.1, -0.2, 0.3])
    moved = part.bound(1.3 * LIBRARY.vertices + shift)
    assert np.allclose(moved, 1.3 * at_rest + shift, atol=1e-5)


@pytest.mark.parametrize("kind", ["eyebrows", "eyelashes", "eyes", "teeth", "tongue"])
def test_parts_of_the_face_follow_the_heads_own_vertices(kind: str):
    shift = np.array([0.01, 0.02, 0.03])
    bust = LIBRARY.vertices.copy()
    bust[LIBRARY.head] += shift
    for name in LIBRARY.names(kind):
        part = LIBRARY.parts[f"{kind}/{name}"]
        assert np.isin(part.reference, LIBRARY.head).all()
        moved = part.bound(bust) - part.bound(LIBRARY.vertices)
        assert np.allclose(moved, shift, atol=1e-5)


def test_every_part_has_a_picture_and_is_bound_within_the_library():
    for folder in ("hair", "eyebrows", "eyelashes", "clothes", "teeth", "tongue"):
        assert set(texture_names(folder)) == set(LIBRARY.names(folder))
    for part in LIBRARY.parts.values():
        assert part.reference.min() >= 0 and part.reference.max() < len(LIBRARY.vertices)
        assert part.faces.max() < len(part.reference)
        assert np.allclose(part.weights.sum(1), 1, atol=0.02)


@pytest.mark.parametrize("name", IDENTITIES)
def test_the_bust_of_an_identity_has_the_shipped_head(name: str):
    bust = bust_of(LIBRARY, IDENTITIES[name])
    shipped = (HEAD.vertices + HEAD.identities[name]).numpy()
    assert np.abs(bust[LIBRARY.head] - shipped).max() < 0.05 * MM


def test_lips_of_a_random_person_are_shut_and_the_torso_continues_the_neck():
    person = random_person(3)
    bust = bust_of(LIBRARY, person.mix, person.modes)
    upper, lower = (HEAD.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    assert np.allclose(bust[LIBRARY.head[upper]], bust[LIBRARY.head[lower]], atol=1e-9)
    clothes = LIBRARY.parts[f"clothes/{person.clothes}"]
    cloth = garment_of(clothes, bust, person.clothes).surface
    subject, uv = bust_subject(LIBRARY, bust, clothes, cloth)
    shared = np.isin(subject.faces[subject.bare], np.arange(len(HEAD.vertices)))
    assert shared.any() and not shared.all()
    hidden = np.isin(subject.faces[subject.torso], subject.faces[subject.bare]).all(1)
    assert hidden.sum() == len(subject.bare) and len(subject.torso) - hidden.sum() == len(
        cloth.faces
    )
    assert len(uv) == len(subject.faces)


def test_random_people_repeat_and_differ():
    people = [random_person(seed) for seed in range(12)]
    assert people[5] == random_person(5)
    assert len({person.modes for person in people}) == 12
    for person in people:
        assert abs(sum(person.skins.values()) - 1) < 1e-9
        names = set(texture_names("skins"))
        assert set(person.skins) <= names and set(person.mix) <= set(LIBRARY.targets)


def stripes(angle: float, size: int = 96) -> np.ndarray:
    """A texture of lines that run at an angle (radians) from the right, rows pointing down."""
    y, x = np.mgrid[:size, :size]
    across = -x * np.sin(angle) + y * np.cos(angle)
    level = 0.5 + 0.5 * np.sin(across * 0.9)
    return np.dstack([level, level, level, np.ones_like(level)])


@pytest.mark.parametrize("degrees", [0, 30, 80, 135])
def test_strands_run_along_the_lines_of_the_picture(degrees: float):
    angle = np.radians(degrees)
    flow = texture_flow(stripes(angle), 2.0)[48, 48]
    assert np.allclose(flow, [np.cos(2 * angle), np.sin(2 * angle)], atol=0.1)
    card = square(stripes(angle))
    strands = strands_on(card, 4 * MM, 1 * MM, np.random.default_rng(0))
    wanted = np.array([np.cos(angle), -np.sin(angle), 0.0])
    inside = strands.from_edge > 20 * MM
    assert np.abs(strands.tangents[inside] @ wanted).min() > 0.97


def square(texels: np.ndarray, side: float = 0.1) -> Cards:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return Cards(corners * side, faces, corners[faces][..., :2], texels, sigma=2.0)


def test_rounded_cards_are_a_ball_where_they_were_one_roughly():
    coarse = icosphere(1, radius=0.1)
    corners = np.asarray(coarse.vertices)
    ball = Cards(corners, coarse.faces, corners[coarse.faces][..., :2], stripes(0.0))
    fine = rounded(ball)
    assert len(fine.faces) == 4 * len(ball.faces)
    assert (fine.vertices[: len(corners)] == corners).all()
    sagitta = [
        0.1 - np.linalg.norm(c.vertices[c.faces].mean(1), axis=1).max() for c in (ball, fine)
    ]
    assert sagitta[1] < 0.4 * sagitta[0]
    corner, along, aside = fine.vertices[fine.faces].swapaxes(0, 1)
    outwards = np.cross(along - corner, aside - corner)
    assert ((outwards * fine.vertices[fine.faces].mean(1)).sum(1) > 0).all()
    edges, faces_at = edges_of(fine.faces)
    assert (faces_at == 2).all() and len(edges) == 4 * len(ball.faces) * 3 // 2


def test_rounded_flat_cards_show_the_same_texture_in_the_same_places():
    flat = square(stripes(0.0))
    fine = rounded(flat)
    assert np.allclose(fine.vertices[fine.faces][..., :2], 0.1 * fine.uv)
    assert np.isclose(face_areas(fine.vertices, fine.faces).sum(), 0.1**2)


def test_strands_keep_apart_and_leave_out_what_is_clear():
    texels = stripes(0.0)
    texels[:48, :, 3] = 0
    strands = strands_on(square(texels), 4 * MM, 1 * MM, np.random.default_rng(1))
    assert strands.points[:, 1].max() < 0.052
    gaps = strands.points[:, None] - strands.points[None]
    along = np.einsum("ijx,ix->ij", gaps, strands.tangents)
    across = (gaps**2).sum(-1) - along**2
    inside = along**2 / (4 * MM) ** 2 + across / (1 * MM) ** 2 < 0.95
    assert np.array_equal(inside, np.eye(len(strands), dtype=bool))
    assert np.allclose((strands.tangents * strands.normals).sum(1), 0, atol=1e-9)
    edge = np.minimum(strands.points[:, :2], 0.1 - strands.points[:, :2]).min(1)
    assert np.allclose(strands.from_edge, edge, atol=4 * MM)


def test_hair_is_deformed_far_from_the_skull_only():
    vertices = LIBRARY.parts["hair/long01"].bound(LIBRARY.vertices)
    assert np.allclose(deformed(vertices, Style("long01")), vertices, atol=1e-12)
    style = Style("long01", growth=(1.1, 1.0, 1.0), lift=0.01, waves=0.01)
    moved = np.linalg.norm(deformed(vertices, style) - vertices, axis=1)
    distance = np.linalg.norm(vertices - [0, 0.03, -0.01], axis=1)
    assert moved[distance < 0.09].max(initial=0) < 1e-12 and moved.max() > 5 * MM


def test_pictures_are_read_between_texels_with_v_upwards():
    texels = np.zeros((2, 2, 1))
    texels[0, 1] = 1.0
    corners = np.array([[0.75, 0.75], [0.25, 0.25], [0.75, 0.5]])
    assert np.allclose(texels_at(texels, corners)[:, 0], [1, 0, 0.5])


def test_a_skin_is_clear_where_it_shows_nothing():
    skin = texture("skins", "young_lightskinned_female2")
    where = np.einsum("mcx->mx", LIBRARY.uv) / 3
    height = LIBRARY.vertices[LIBRARY.faces].mean(1)[:, 1]
    known = texels_at(skin[..., 3:], where)[:, 0] > 0.5
    assert known[height > 0].mean() > 0.95
    assert not known.all()
