"""What light does on heads of known geometry and colour."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from lit_heads import direct_sum, plain_head

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import Floats, Ints
from avatar.geometry.zbuffer import seen_faces
from avatar.lighting.bake import bake
from avatar.lighting.bake_positions import bake_positions
from avatar.lighting.environment import Environment, EnvironmentRotation, Lobe, irradiance, lamps
from avatar.lighting.materials import CLOTH, JAW, Surfaces, packed, tone, unpacked, untoned
from avatar.lighting.occlusion import DirectionBins, into_bins
from avatar.lighting.presets import SHARPNESS
from avatar.lighting.relight import head_pose_of, relit
from avatar.lighting.shade import matt_light
from avatar.rigging.draw import avatar_rig
from splat import look_at
from splat.scene.conventions import SH_C0

SOFT = {"key": (-35, 30), "rim": (150, 25), "fill": (80, 10)}


def lamp(kind: str, azimuth: float, elevation: float, strength: float = 1.0) -> Environment:
    return lamps([Lobe(azimuth, elevation, strength, SHARPNESS[kind])])


@cache
def matt() -> Surfaces:
    """The plain head, of a matter that follows Lambert's law alone."""
    avatar, head = plain_head()
    surfaces = bake(avatar, head)
    albedo = np.full_like(surfaces.albedo, 0.5)
    return surfaces._replace(material=np.full_like(surfaces.material, CLOTH), albedo=albedo)


def shown(
    surfaces: Surfaces, light: Environment, turned: np.ndarray, course: EnvironmentRotation
) -> Floats:
    """Radiance [N, 3] of the plain head, turned [3, 3], under a light."""
    avatar, head = plain_head()
    rig = avatar_rig(avatar, torch.device("cpu"))
    vertices = avatar.vertices @ torch.from_numpy(turned).float().T
    eye = torch.tensor([0.0, 0.0, 1.0])
    camera = look_at(
        eye, torch.zeros(3), torch.tensor([0.0, 1.0, 0.0]), fov_y_deg=20.0, width=64, height=64
    )
    lit = relit(surfaces, head, light, course, all_sides=True)(rig(vertices), vertices, camera, 1.0)
    return untoned(lit.sh[:, 0].double().numpy() * SH_C0 + 0.5)


def test_what_is_packed_comes_back_to_a_thirtieth():
    visible = np.random.default_rng(0).random((20, 224))
    assert np.abs(unpacked(packed(visible)) - visible).max() <= 1 / 30 + 1e-6
    assert np.array_equal(unpacked(packed(np.round(visible))), np.round(visible))


def test_a_white_furnace_makes_no_light():
    """Under an even white sky a white head shows what of the sky it sees, nowhere more than 1."""
    surfaces = matt()._replace(albedo=np.ones_like(matt().albedo))
    even = lamps([Lobe(0, 0, 1, 0)])
    radiance = matt_light(surfaces, _quats(), into_bins(even.directions, even.energy), 0.0)
    assert radiance.max() <= 1.01
    plain = surfaces.follows == JAW  # lids are lit as they are when shut
    assert np.abs(radiance[:, 0] - surfaces.access[:, 0])[plain].max() < 0.03
    assert shown(surfaces, even, np.eye(3), EnvironmentRotation()).max() <= 1.01


@pytest.mark.parametrize("degrees", [33.0, -120.0])
def test_light_and_head_turned_together_look_the_same(degrees: float):
    turned = axis_angle_to_matrix(torch.tensor([0.0, np.radians(degrees), 0.0])).double().numpy()
    light = lamp("window", 20, 35)
    before = shown(matt(), light, np.eye(3), EnvironmentRotation())
    after = shown(matt(), light, turned, EnvironmentRotation(turn=degrees - 5, spin=5))
    apart = np.abs(before - after).max(1)
    assert np.sort(apart)[-2] < 0.01  # one triangle has no area, and so no frame that turns


def test_a_head_that_turns_under_a_still_light_changes():
    turned = axis_angle_to_matrix(torch.tensor([0.0, 0.7, 0.0])).double().numpy()
    light = lamp("key", 0, 0)
    before, after = (
        shown(matt(), light, pose, EnvironmentRotation()) for pose in (np.eye(3), turned)
    )
    expected = irradiance(light, _normals(turned))
    assert np.abs(before - after).mean() > 0.03
    open_sky = matt().access[:, 0] > 0.97
    assert np.abs(after - 0.5 * expected)[open_sky].mean() < 0.02


@pytest.mark.parametrize(("kind", "least"), [("key", 45), ("rim", 45), ("window", 40), ("sun", 32)])
def test_baked_light_comes_near_the_sum_of_rays(kind: str, least: float):
    light = lamp(kind, *SOFT.get(kind, (60, 30)))
    found, exact, plain = _compared(0.0, light)
    assert psnr(found, exact) > least
    assert psnr(plain, exact) < 25  # without shadows


def test_shadows_and_normals_follow_an_open_mouth():
    light = lamp("key", -35, 30)
    found, exact, plain = _compared(0.45, light)
    frozen = matt_light(matt().of(_rows()), _quats()[_rows()], _cells(light), 0.0)
    assert psnr(found, exact) > 30
    assert psnr(found, exact) > psnr(frozen, exact) + 3
    assert psnr(found, exact) > psnr(plain, exact) + 4


def psnr(found: Floats, exact: Floats) -> float:
    """Decibels between what would be shown of a grey head."""
    return -10 * np.log10(((tone(0.6 * found) - tone(0.6 * exact)) ** 2).mean())


def _compared(jaw: float, light: Environment) -> Sequence[Floats]:
    """Light [R, 3] as baked, as rays say, and without shadows, with the jaw open by a weight."""
    avatar, head = plain_head()
    rows, vertices = _rows(), avatar.vertices + jaw * head.unit("jawOpen")
    gaussians = avatar_rig(avatar, torch.device("cpu"))(vertices)
    loose = np.zeros(len(avatar.binding), bool)
    places = bake_positions(avatar, gaussians, vertices, loose)
    points, normals = places.points[rows], places.normals[rows]
    opening = head_pose_of(head)(vertices).jaw
    assert (opening > 0.5) == (jaw > 0.3)
    lashes = [n for n, name in enumerate(head.group_names) if "lash" in name]
    solid = avatar.faces[~torch.isin(head.face_groups, torch.tensor(lashes))].numpy()
    mesh = vertices.double().numpy()
    exact = direct_sum(mesh, solid, points + 3e-4 * normals, normals, light)
    found = matt_light(matt().of(rows), gaussians.quats.numpy()[rows], _cells(light), opening)
    return found, exact, irradiance(light, normals)


def _cells(light: Environment) -> DirectionBins:
    return into_bins(light.directions, light.energy)


@cache
def _rows() -> Ints:
    """Gaussians of the skin that can be seen."""
    avatar, head = plain_head()
    seen = seen_faces(avatar.vertices.double().numpy(), avatar.faces.numpy())
    seen &= np.isin(np.arange(len(seen)), head.group_faces("body").numpy())
    return np.random.default_rng(0).choice(np.flatnonzero(seen), 700, replace=False)


@cache
def _quats() -> Floats:
    avatar, _ = plain_head()
    return avatar_rig(avatar, torch.device("cpu"))(avatar.vertices).quats.numpy()


def _normals(turned: np.ndarray) -> Floats:
    avatar, _ = plain_head()
    gaussians = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
    loose = np.zeros(len(avatar.binding), bool)
    return bake_positions(avatar, gaussians, avatar.vertices, loose).normals @ turned.T
