"""Laws of the painters' tools: noise, samples, light, fog, tone, torso, masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, axes, disc_axes, normalised
from avatar.heads import eyeball, load_head
from avatar.lighting.materials import tone
from avatar.lighting.occlusion import CELL, DIRECTIONS, cast_shadows, hair_fog
from avatar.people import masks
from avatar.people.bust import bust_of, bust_subject
from avatar.people.garment import HEM, LOWEST, WIDEST, cloth_of, garment_layer, garment_of
from avatar.people.library import load_library
from avatar.people.masks import fractal_noise, value_noise
from avatar.people.subject import Subject
from avatar.people.surface import Mesh, at_spots, even_spots, mesh, skinned, smooth_points, thin_out
from research.people.person import scene_of
from research.people.sampler import random_person


def ball(rows: int = 16, radius: float = 0.05) -> Mesh:
    """A sphere without its poles, open at both ends."""
    polar = np.linspace(0.2, np.pi - 0.2, rows)
    turn = np.arange(2 * rows) / rows * np.pi
    points = np.stack(
        [
            np.outer(np.sin(polar), np.cos(turn)),
            np.repeat(np.cos(polar)[:, None], 2 * rows, 1),
            -np.outer(np.sin(polar), np.sin(turn)),
        ],
        -1,
    )
    index = np.arange(rows * 2 * rows).reshape(rows, -1)
    a, b, c, d = index[:-1], np.roll(index, -1, 1)[:-1], index[1:], np.roll(index, -1, 1)[1:]
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
    return mesh(points.reshape(-1, 3) * radius, faces)


@pytest.fixture(scope="module", params=["male_casualsuit06", "female_elegantsuit01"])
def subject(request: pytest.FixtureRequest) -> Subject:
    library = load_library()
    bust = bust_of(library, random_person(3).mix)
    clothes = library.parts[f"clothes/{request.param}"]
    cloth = garment_of(clothes, bust, request.param).surface
    return bust_subject(library, bust, clothes, cloth)[0]


def first_come(
    points: np.ndarray, axes: np.ndarray, length: np.ndarray, width: np.ndarray, side: float
) -> np.ndarray:
    """As `thin_out`, each point against all that were kept before."""
    keep = np.zeros(len(points), bool)
    for i, point in enumerate(points):
        gaps, along = point - points[keep], (point - points[keep]) @ axes[i]
        across = (gaps**2).sum(1) - along**2
        apart = along**2 / np.minimum(length[i], length[keep]) ** 2
        apart += across / np.minimum(width[i], width[keep]) ** 2
        keep[i] = not ((apart < 1) & (axes[keep] @ axes[i] > side)).any()
    return keep


@pytest.mark.parametrize("side", [-np.inf, 0.2])
@pytest.mark.parametrize("narrow", [1.0, 0.2])
def test_points_are_thinned_out_as_by_comparing_all(narrow: float, side: float) -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(-0.05, 0.05, (2000, 3)) * [1, 1, 0.1]
    axes = normalised(rng.normal(size=(2000, 3)) * 0.3 + [0, 0, 1])
    length = rng.uniform(0.0005, 0.008, 2000)
    kept = thin_out(points, axes, length, narrow * length, side)
    np.testing.assert_array_equal(kept, first_come(points, axes, length, narrow * length, side))
    assert 100 < kept.sum() < 1900


def test_a_bust_ends_straight_and_its_sleeves_are_closed():
    scene = scene_of(replace(random_person(3), hair=None), np.random.default_rng(0))
    cloth = cloth_of(scene.studio, scene.garment)
    assert cloth.points[:, 1].min() > LOWEST and np.abs(cloth.points[:, 0]).max() < WIDEST
    made = garment_layer(scene.studio, scene.garment, None)
    for side in (-1, 1):
        rim = cloth.points[side * cloth.points[:, 0] > WIDEST - HEM]
        end = made.means[np.abs(side * made.means[:, 0] - (WIDEST - HEM / 2)) < 1e-6]
        middle = np.array([side * WIDEST, *np.median(rim[:, 1:], axis=0)])
        assert np.linalg.norm(end - middle, axis=1).min() < HEM


def naive_noise(points: np.ndarray, frequency: float, seed: int) -> np.ndarray:
    """Value noise without compilation: all points of one corner of their cells after another."""
    scaled = points * frequency + seed * 17.3
    cell = np.floor(scaled).astype(np.int64)
    t = scaled - cell
    t = t * t * (3 - 2 * t)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        h, k, l = (cell + np.array(corner)).T
        mixed = (seed * 2654435761) ^ (h * 73856093) ^ (k * 19349663) ^ (l * 83492791)
        mixed = mixed & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
        lattice = ((mixed ^ (mixed >> 16)) & 0xFFFF) / 65535
        total += np.where(np.array(corner), t, 1 - t).prod(1) * lattice
    return total * 2 - 1


@pytest.mark.parametrize(("frequency", "seed"), [(32.0, 1), (900.0, 70), (1.0, 0)])
def test_compiled_noise_is_the_naive_one(frequency: float, seed: int):
    points = np.random.default_rng(seed).normal(size=(300, 3))
    expected = naive_noise(points, frequency, seed)
    assert np.allclose(value_noise(points, frequency, seed), expected, rtol=0, atol=1e-12)


def test_noise_is_bounded_smooth_and_tells_seeds_apart():
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    values = value_noise(points, 20.0, 3)
    assert np.abs(values).max() <= 1 and values.std() > 0.2
    assert np.abs(value_noise(points + 1e-5, 20.0, 3) - values).max() < 0.01
    assert abs(np.corrcoef(values, value_noise(points, 20.0, 4))[0, 1]) < 0.1
    assert np.array_equal(fractal_noise(points, 20.0), fractal_noise(points, 20.0))


def test_axes_are_rotations_that_keep_tangent_and_disc_normal():
    rng = np.random.default_rng(1)
    tangents, normals = normalised(rng.normal(size=(50, 3))), normalised(rng.normal(size=(50, 3)))
    for turn in (axes(tangents, normals), disc_axes(normals)):
        assert np.allclose(turn.transpose(0, 2, 1) @ turn, np.eye(3), atol=1e-12)
        assert np.allclose(np.linalg.det(turn), 1)
    assert np.allclose(axes(tangents, normals)[..., 0], tangents)
    assert np.allclose(disc_axes(normals)[..., 1], normals)


def test_samples_are_apart_and_leave_no_gap():
    surface, spacing = ball(), 4 * MM
    wished = np.full(len(surface.vertices), spacing)
    everything = np.arange(len(surface.faces))
    spots = even_spots(surface, everything, wished, np.random.default_rng(2))
    points = at_spots(surface.vertices, surface.faces, spots)
    assert KDTree(points).query(points, 2)[0][:, 1].min() >= spacing
    many = even_spots(surface, everything, wished / 4, np.random.default_rng(3))
    probes = at_spots(surface.vertices, surface.faces, many)
    assert KDTree(points).query(probes)[0].max() < 1.6 * spacing
    again = even_spots(surface, everything, wished, np.random.default_rng(2))
    assert np.array_equal(again.weights, spots.weights)


def test_phong_points_lie_nearer_the_ball_than_flat_ones():
    surface = ball(8)
    wished = np.full(len(surface.vertices), 3 * MM)
    spots = even_spots(surface, np.arange(len(surface.faces)), wished, np.random.default_rng(4))
    flat = at_spots(surface.vertices, surface.faces, spots)
    round_, normals = smooth_points(surface, spots)
    inside = [p[np.abs(p[:, 1]) < 0.03] for p in (flat, round_)]
    error_flat, error_round = (np.abs(np.linalg.norm(p, axis=1) - 0.05).mean() for p in inside)
    assert error_round < 0.5 * error_flat
    assert (normals * normalised(round_)).sum(1).mean() > 0.99


def test_carried_finds_a_rigid_motion_and_a_growth():
    surface = ball(6)
    turn = axes(np.array([[0.0, 0.6, 0.8]]), np.array([[1.0, 0, 0]]))[0]
    moved = mesh(1.5 * surface.vertices @ turn.T + [0.1, 0.2, 0.3], surface.faces)
    turns, growth, origins = skinned(surface, moved, np.arange(len(surface.faces)))
    assert np.allclose(turns, turn, atol=1e-9) and np.allclose(growth, 1.5)
    assert np.allclose(origins[:, 1], 1.5 * origins[:, 0] @ turn.T + [0.1, 0.2, 0.3])


def test_a_ball_hides_the_sky_behind_it_and_nothing_else():
    surface = ball(24)
    shadows = cast_shadows(surface.vertices, surface.faces)
    point = np.array([[0.0, 0.0, 0.06]])
    seen = shadows.visible(point, 1 * MM)[0]
    angle = np.degrees(np.arccos(-DIRECTIONS[:, 2]))
    rim = np.degrees(np.arcsin(0.05 / 0.06))
    poles = np.abs(DIRECTIONS[:, 1]) < 0.5  # the ball is open there
    assert seen[angle > rim + 6].min() == 1
    assert seen[(angle < rim - 6) & poles].max() == 0


def test_fog_dims_by_its_thickness():
    steps = np.arange(-0.02, 0.02, CELL / 2)
    block = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    density = 60.0  # per metre
    fog = hair_fog(block, np.full(len(block), density * (CELL / 2) ** 3))
    through = fog.transmitted(np.zeros((1, 3)), 0.0)[0]
    distance = 0.02 / np.abs(DIRECTIONS).max(1)
    assert np.abs(np.log(through) + density * distance).max() < 0.5 * density * distance.max()
    assert abs(np.log(through).mean() / (-density * distance).mean() - 1) < 0.2
    assert np.all(fog.transmitted(np.zeros((1, 3)), 0.01) >= through)
    assert np.all(fog.transmitted(np.full((1, 3), 1.0), 0.0) == 1)


def test_tone_is_monotone_and_stays_in_range():
    light = np.linspace(0, 8, 500)
    picture = tone(light)
    assert np.all(np.diff(picture) >= 0) and picture[0] == 0 and picture[-1] <= 1
    assert tone(np.array([0.5])) == pytest.approx(0.5 ** (1 / 2.2))


@pytest.mark.parametrize(
    "mask",
    [
        *(masks.ear_mask, masks.lip_mask, masks.cheek_mask, masks.nose_mask),
        masks.forehead_mask,
    ],
)
def test_masks_are_symmetric_and_in_range(mask):
    points = np.random.default_rng(5).uniform(-110, 110, (20000, 3))
    values = mask(points)
    assert values.min() >= 0 and 0.3 < values.max() <= 1
    assert np.allclose(values, mask(points * [-1, 1, 1]))


def test_masks_lie_where_the_head_has_those_parts():
    head = load_head()
    mm = head.vertices.numpy() / MM
    assert masks.lip_mask(mm[head.regions["lip_inner_upper"].numpy()[2:-2]]).min() > 0.5
    assert masks.scalp_mask(mm[[int(mm[:, 1].argmax())]])[0] == 1
    assert masks.scalp_mask(mm[[int(mm[:, 2].argmax())]])[0] == 0


def test_a_subject_keeps_the_lips_sealed_and_the_lids_off_the_eyes(subject: Subject):
    head = subject.head
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    gap = np.linalg.norm(subject.rest.vertices[upper] - subject.rest.vertices[lower], axis=1)
    assert gap.max() < 1e-6
    rest = torch.from_numpy(subject.rest.vertices[: len(head.vertices)]).float()
    for side, group in (("Left", "l-eye"), ("Right", "r-eye")):
        blink = subject.units[head.unit_names.index(f"eyeBlink{side}")]
        lid = (blink.norm(dim=1) > 2 * MM) & torch.isin(
            torch.arange(len(rest)), head.group_vertices("body")
        )
        centre, radius = eyeball(head, rest, group)
        assert ((rest + blink)[lid] - centre).norm(dim=1).min() > radius + 0.5 * MM


def test_clothes_follow_triangles_that_expressions_leave_alone(subject: Subject):
    owners = np.unique(subject.owners[subject.torso])
    vertices = subject.rest.faces[owners]
    moved = subject.units.norm(dim=-1).amax(0).numpy()[vertices]
    assert vertices.max() < len(subject.head.vertices)
    assert moved.max() < 0.06 * MM
    assert subject.head.pose_weights.numpy()[vertices].max() < 0.01
