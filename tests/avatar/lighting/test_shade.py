"""The compiled shading against the same written out, and what it leaves out."""

from functools import cache

import numpy as np
import pytest
import torch
from lit_heads import plain_head

from avatar.geometry.closest import face_tree
from avatar.geometry.rays import unhidden
from avatar.geometry.rotations import quaternion_to_matrix
from avatar.geometry.vectors import Floats, Ints, normalised, sphere_directions
from avatar.lighting.bake import bake
from avatar.lighting.environment import Environment, Lobe, lamps
from avatar.lighting.integrate import STRAND as STRAND_LIGHT
from avatar.lighting.integrate import STRAND_WRAP
from avatar.lighting.materials import (
    CLOTH,
    EYES,
    JAW,
    LIDS,
    LIPS,
    MATERIALS,
    ROUGHNESS,
    SKIN,
    STRAND,
    Surfaces,
    packed,
    tone_table,
    unpacked,
    untoned,
    where_still,
)
from avatar.lighting.occlusion import DIRECTIONS, into_bins, shares_at
from avatar.lighting.relight import sides_of
from avatar.lighting.shade import PER_ROOT, ShadedFrame, blurred, mirror_of, shade
from splat.scene.conventions import SH_C0

COUNT = 300


def random_surfaces(rng: np.random.Generator) -> Surfaces:
    def unit() -> Floats:
        return normalised(rng.normal(size=(COUNT, 3))).astype(np.float32)

    matter = rng.choice([SKIN, LIPS, EYES, STRAND, CLOTH], COUNT).astype(np.uint8)
    rest, opened = (packed(rng.random((COUNT, len(DIRECTIONS)))) for _ in range(2))
    opened[::2] = rest[::2]
    albedo = rng.random((COUNT, 3)).astype(np.float32)
    follows = rng.choice([JAW, LIDS], COUNT).astype(np.uint8)
    access = rng.random((COUNT, 2)).astype(np.float32)
    return where_still(Surfaces(unit(), unit(), matter, albedo, rest, opened, follows, access))


def random_frame(rng: np.random.Generator, light: Environment) -> ShadedFrame:
    """The head ahead of the world, the viewer a metre before it."""
    cells = into_bins(light.directions, light.energy)
    return ShadedFrame(
        rng.normal(size=(COUNT, 4)).astype(np.float32),
        rng.normal(size=(COUNT, 3)).astype(np.float32) * np.float32(0.05),
        np.eye(3, dtype=np.float32),
        np.array([0, 0, 1], np.float32),
        np.array([0.3, 0.8, 0], np.float32),
        np.ascontiguousarray(cells.energy.T),
        np.ascontiguousarray(cells.towards.T),
        np.array([0.2, 0.3, 0.4], np.float32),
        np.array([0.1, 0.05, 0.02], np.float32),
    )


def naive(i: int, surfaces: Surfaces, frame: ShadedFrame, light: Environment) -> Floats:
    """Radiance [3] of Gaussian i, all of it seen."""
    m, opening = MATERIALS[surfaces.material[i]], frame.opening[surfaces.follows[i]]
    turned = quaternion_to_matrix(torch.from_numpy(frame.quats_world[i])).double().numpy()
    n, t = turned @ surfaces.normals[i], turned @ surfaces.tangents[i]
    rest, opened = unpacked(surfaces.rest[i : i + 1])[0], unpacked(surfaces.opened[i : i + 1])[0]
    visible = rest + opening * (opened - rest)
    access = surfaces.access[i, 0] + opening * (surfaces.access[i, 1] - surfaces.access[i, 0])
    view = normalised(frame.eye_world - frame.means_world[i])
    facing, cells, gloss, image = n @ view, frame.energy.T, 0.0, np.zeros(3)
    middles = frame.towards.T
    if m[3]:
        sine = np.sqrt(np.maximum(1 - (middles @ t) ** 2, 0))
        share = sine * np.maximum(middles @ n + STRAND_WRAP, 0) * rest
        received = share @ cells * STRAND_LIGHT / np.pi / (1 + STRAND_WRAP)
    elif m[6] >= 0 and facing < -0.2:
        received = frame.ambient * access
    else:
        wrapped = np.maximum((middles @ n)[:, None] + m[:3], 0) / (1 + m[:3]) ** 2
        received = (wrapped * visible[:, None] * cells).sum(0) / np.pi
        if m[6] >= 0:
            facing = max(facing, 0.05)
            towards = 2 * facing * n - view
            gloss = m[4] + (m[5] - m[4]) * (1 - facing) ** 5
            corners, shares = shares_at(towards[None])
            sky = blurred(light, normalised(towards)[None], ROUGHNESS[int(m[6])])[0]
            image = gloss * (visible[corners[0]] @ shares[0]) * sky
    light_back = received + access * (1 - access) * frame.bounce
    return surfaces.albedo[i] * light_back * (1 - gloss) + image


def test_the_compiled_sums_are_those_written_out():
    rng, light = np.random.default_rng(0), lamps([Lobe(30, 20, 0.6, 9), Lobe(0, 90, 0.2, 1)])
    surfaces, frame = random_surfaces(rng), random_frame(rng, light)
    everywhere = np.full((COUNT, len(DIRECTIONS) // 8), 255, np.uint8)
    curve = tone_table(PER_ROOT)
    sh = shade(surfaces, everywhere, frame, mirror_of(light), MATERIALS, curve)
    found = untoned(sh[:, 0].astype(float) * SH_C0 + 0.5)
    expected = np.stack([naive(i, surfaces, frame, light) for i in range(COUNT)])
    plain = MATERIALS[surfaces.material, 6] < 0
    assert np.abs(found - expected)[plain].max() < 1e-3
    assert np.abs(found - expected).max() < 0.02  # mirror images are looked up on a grid


def test_what_no_viewer_sees_gets_the_mean_of_the_sky():
    rng, light = np.random.default_rng(1), lamps([Lobe(30, 20, 0.6, 9)])
    surfaces, frame = random_surfaces(rng), random_frame(rng, light)
    nowhere = np.zeros((COUNT, len(DIRECTIONS) // 8), np.uint8)
    sh = shade(surfaces, nowhere, frame, mirror_of(light), MATERIALS, tone_table(PER_ROOT))
    access = surfaces.access[:, 0]
    access = access + frame.opening[surfaces.follows] * (surfaces.access[:, 1] - access)
    again = frame.bounce * (access * (1 - access))[:, None]
    expected = surfaces.albedo * (frame.ambient * access[:, None] + again)
    assert np.abs(untoned(sh[:, 0].astype(float) * SH_C0 + 0.5) - expected).max() < 1e-3


@cache
def _sides() -> Ints:
    return sides_of(bake(*plain_head()))


@pytest.mark.parametrize("moved", ["", "jawOpen", "mouthPucker", "mouthSmileLeft", "browInnerUp"])
def test_whatever_a_viewer_sees_is_lit(moved: str):
    """Rays from viewers to triangles that face them; many others are left out."""
    avatar, head = plain_head()
    sides = _sides()
    vertices = avatar.vertices + (0.7 * head.unit(moved) if moved else 0)
    mesh, faces = vertices.double().numpy(), avatar.faces.numpy()
    corners = mesh[faces]
    middles = corners.mean(1)
    normals = normalised(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    viewers = sphere_directions(40)
    facing = normals @ viewers.T > 0.2
    seen = unhidden(face_tree(mesh, faces), middles + 1e-4 * normals, viewers, facing) > 0
    nearest = (viewers @ DIRECTIONS.T).argmax(1)
    lit = np.unpackbits(sides.astype(np.uint8), axis=1, bitorder="little")[:, nearest] > 0
    skin = np.isin(np.arange(len(faces)), head.group_faces("body").numpy())
    assert (seen & ~lit)[skin].sum() <= 0.002 * seen[skin].sum()
    assert lit.mean() < 0.7
