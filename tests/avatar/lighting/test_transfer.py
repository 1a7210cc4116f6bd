"""Shading in torch against the compiled one, its gradients, and what a file keeps of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lit_heads import plain_head

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.geometry.coloured import to_linear
from avatar.geometry.rotations import quaternion_to_matrix
from avatar.geometry.vectors import normalised
from avatar.lighting.baked_file import pack, stored, surfaces_of
from avatar.lighting.environment import Lobe, lamps
from avatar.lighting.materials import (
    CLOTH,
    EYES,
    JAW,
    LIDS,
    LIPS,
    MATERIALS,
    SKIN,
    STRAND,
    Surfaces,
    packed,
    tone,
    tone_table,
    untoned,
)
from avatar.lighting.occlusion import DIRECTIONS, into_bins
from avatar.lighting.radiance_transfer import (
    Image,
    Sky,
    Transfer,
    arriving,
    linear,
    reflected,
    toned,
    turned_back,
    unpacked,
    with_factor,
)
from avatar.lighting.shade import PER_ROOT, ShadedFrame, mirror_of, shade
from splat.scene.conventions import SH_C0

COUNT = 200
LIGHT = lamps([Lobe(30, 20, 0.6, 9), Lobe(-100, 10, 0.5, 5, (0.3, 0.5, 1)), Lobe(0, 90, 0.2, 1)])
R_HEAD = quaternion_to_matrix(torch.tensor([0.9, 0.1, -0.4, 0.1])).float()
OPENING = torch.tensor([0.3, 0.8, 0.0])


def random_transfer(rng: np.random.Generator) -> Transfer:
    def unit() -> torch.Tensor:
        return torch.from_numpy(normalised(rng.normal(size=(COUNT, 3)))).float()

    rest, opened = (
        torch.from_numpy(packed(rng.random((COUNT, len(DIRECTIONS))))) for _ in range(2)
    )
    matter = torch.from_numpy(rng.choice([SKIN, LIPS, EYES, STRAND, CLOTH], COUNT))
    follows = torch.from_numpy(rng.choice([JAW, LIDS], COUNT))
    access = torch.from_numpy(rng.random((COUNT, 2))).float()
    return Transfer(unit(), unit(), matter, rest, opened, follows, access)


def sky() -> Sky:
    cells = into_bins(LIGHT.directions @ R_HEAD.numpy(), LIGHT.energy)
    even = torch.from_numpy(LIGHT.energy.sum(0) / (4 * np.pi)).float()
    energy, towards = (torch.from_numpy(part) for part in cells)
    return Sky(energy, towards, even, R_HEAD, OPENING)


def test_torch_shades_as_the_compiled_loops_do():
    rng = np.random.default_rng(0)
    transfer, seen = random_transfer(rng), sky()
    quats = torch.from_numpy(rng.normal(size=(COUNT, 4))).float()
    turns = quaternion_to_matrix(quats)
    means = torch.from_numpy(rng.normal(size=(COUNT, 3))).float() * 0.05
    eye = torch.tensor([0.0, 0.0, 1.0])
    albedo = rng.random((COUNT, 3)).astype(np.float32)
    mirror = mirror_of(LIGHT)
    image = Image(
        torch.from_numpy(mirror.pictures),
        torch.from_numpy(mirror.nearest.astype(np.int64)),
        torch.from_numpy(mirror.shares),
    )
    came = arriving(transfer, turns, seen)
    shine, left = reflected(transfer, turns, means, eye, seen, image)
    again = came.open_share * (1 - came.open_share)
    matt = came.matt + again[:, None] * seen.ambient * 0.4
    found = (torch.from_numpy(albedo) * matt * left + shine).numpy()
    surfaces = turned_back(transfer, torch.eye(3).expand(COUNT, 3, 3))._replace(albedo=albedo)
    quats_now, means_now, R_now, eye_now, opening_now = (
        part.numpy() for part in (quats, means, R_HEAD, eye, OPENING)
    )
    energy, towards = (np.ascontiguousarray(part.T.numpy()) for part in (seen.energy, seen.towards))
    even = seen.ambient.numpy()
    frame = ShadedFrame(
        quats_now, means_now, R_now, eye_now, opening_now, energy, towards, even, 0.4 * even
    )
    everywhere = np.full((COUNT, len(DIRECTIONS) // 8), 255, np.uint8)
    sh = shade(surfaces, everywhere, frame, mirror, MATERIALS, tone_table(PER_ROOT))
    expected = untoned(sh[:, 0].astype(float) * SH_C0 + 0.5)
    normals = torch.einsum("nij,nj->ni", turns, transfer.normals)
    view = torch.nn.functional.normalize(eye - means, dim=1)
    facing = (normals * view).sum(1).numpy() > 0.05
    plain = MATERIALS[transfer.material.numpy(), 6] < 0
    assert plain.sum() > 40 and (facing & ~plain).sum() > 40
    assert np.abs(found - expected)[plain].max() < 2e-3
    assert np.abs(found - expected)[facing].max() < 0.02  # mirror images between pixels


def test_colours_are_toned_and_decoded_as_elsewhere():
    radiance = torch.linspace(2e-4, 3, 300, dtype=torch.float64)
    assert np.allclose(toned(radiance).numpy(), tone(radiance.numpy()))
    srgb = torch.linspace(0, 1, 300, dtype=torch.float64)
    assert np.allclose(linear(srgb).numpy(), to_linear(srgb.numpy()))


def test_the_gradient_of_shading_is_that_of_its_differences():
    rng = np.random.default_rng(1)
    some = random_transfer(rng)[torch.arange(6)]
    doubled = replace(
        some, **{name: getattr(some, name).double() for name in ("normals", "tangents", "access")}
    )
    seen = replace(sky(), **{name: part.double() for name, part in vars(sky()).items()})
    frames = quaternion_to_matrix(torch.from_numpy(rng.normal(size=(6, 4))))
    colours = torch.from_numpy(rng.uniform(0.1, 0.9, (6, 3))).requires_grad_()
    slopes = torch.from_numpy(rng.normal(size=(6, 3)) * 0.1).requires_grad_()

    def shown(colours: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
        came = arriving(doubled, frames, seen)
        light = came.matt + torch.einsum("nac,na->nc", came.sided, slopes)
        return toned(linear(colours) * light)

    assert torch.autograd.gradcheck(shown, (colours, slopes))


def test_tables_take_up_what_was_learned():
    """Light by the tables that hold a factor is the light that the factor gave."""
    rng = np.random.default_rng(2)
    transfer, seen = random_transfer(rng), sky()
    slopes = torch.from_numpy(rng.normal(size=(COUNT, 3)) * 0.2).float()
    whole = 1 + slopes.norm(dim=1)
    frames = torch.eye(3).expand(COUNT, 3, 3)
    came = arriving(transfer, frames, seen)
    learned = came.matt + torch.einsum("nac,na->nc", came.sided, slopes)
    kept = arriving(with_factor(transfer, slopes, whole), frames, seen).matt * whole[:, None]
    assert (kept - learned).abs().max() < 0.02
    assert (kept - came.matt).abs().max() > 0.05


def kept_surfaces() -> Surfaces:
    count = len(plain_head()[0].binding)
    rng = np.random.default_rng(3)
    half = len(DIRECTIONS) // 2
    rest, opened = (rng.integers(0, 256, (count, half)).astype(np.uint8) for _ in range(2))
    unit = normalised(rng.normal(size=(count, 3))).astype(np.float32)
    matter = rng.integers(0, len(MATERIALS), count).astype(np.uint8)
    follows = rng.integers(0, 3, count).astype(np.uint8)
    access = rng.random((count, 2)).astype(np.float32)
    white = np.ones((count, 3), np.float32)
    return Surfaces(unit, unit, matter, white, rest, opened, follows, access)


def test_a_file_keeps_them(tmp_path: Path):
    avatar, head = plain_head()
    surfaces = kept_surfaces()
    save_avatar(tmp_path / "a.ply", replace(avatar, light=pack(avatar, surfaces)))
    found = stored(load_avatar(tmp_path / "a.ply"))
    assert found is not None
    for name in Surfaces._fields:
        one, other = getattr(found, name), getattr(surfaces, name)
        assert one.dtype == other.dtype
        assert np.abs(one.astype(float) - other).max() <= (2e-3 if one.dtype == np.float32 else 0)
    brought, estimate = surfaces_of(load_avatar(tmp_path / "a.ply"), head)  # nothing is baked
    assert estimate is None and np.array_equal(brought.rest, surfaces.rest)


@pytest.mark.parametrize("damage", ["moved", "cut", "torn", "none", "matter"])
def test_what_does_not_belong_is_not_used(damage: str):
    avatar, _ = plain_head()
    light = pack(avatar, kept_surfaces())
    assert stored(replace(avatar, light=light)) is not None
    if damage == "moved":
        raw = replace(avatar.gaussians, means=avatar.gaussians.means + 1e-6)
        assert stored(replace(avatar, gaussians=raw, light=light)) is None
    elif damage == "matter":
        wrong = kept_surfaces()._replace(material=np.full(len(avatar.binding), 99, np.uint8))
        assert stored(replace(avatar, light=pack(avatar, wrong))) is None
    else:
        torn = light.clone()
        torn[60:90] = 7
        broken = {"cut": light[:-50], "torn": torn, "none": light[:0]}[damage]
        assert stored(replace(avatar, light=broken)) is None


def test_half_tables_are_unpacked_alike():
    shares = np.random.default_rng(4).integers(0, 16, (9, len(DIRECTIONS))) / 15
    assert np.allclose(unpacked(torch.from_numpy(packed(shares))).numpy(), shares)
