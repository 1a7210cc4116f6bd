"""Pictures of the subject: where things are drawn, what hides what, colours, masks, regions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.triangle_mesh import vertex_normals
from avatar.geometry.zbuffer import project_samples, rasterize
from avatar.people.library import load_library
from avatar.reconstruct.capture_writer import REGION_LABELS
from research.captures.cameras import capture_cameras
from research.captures.picture import Picture, draw
from research.captures.pose import Surface, pose_scene
from research.captures.scene import Scene
from splat import Camera, orbit

PLAIN = np.ones(3)
SKIN, EYEBALLS, TEETH, TONGUE, BROWS, LASHES, HAIR, CLOTHES = range(8)  # pictures
FRONT = orbit(torch.tensor([0.0, -0.005, 0.0]), 1.05, 0.0, 0.0, 18.6, width=160, height=160)
MOUTH = orbit(torch.tensor([0.0, -0.05, 0.08]), 1.0, 0.0, 0.0, 3.5, width=96, height=96)
EYES = orbit(torch.tensor([0.0, 0.018, 0.08]), 1.0, 0.0, 0.0, 6.0, width=96, height=96)


def face(scene: Scene, **weights: float) -> Surface:
    """The surface with some units at some weights."""
    offsets = torch.zeros(scene.rest.shape)
    for name, weight in weights.items():
        offsets += weight * scene.units[scene.head.unit_names.index(name)]
    return pose_scene(scene, offsets.numpy(), np.eye(4))


def seen_parts(surface: Surface, camera: Camera, *pictures: int) -> NDArray[np.bool_]:
    """Where triangles with some pictures are seen [H, W]."""
    triangles, size = surface.scene.triangles, (camera.height, camera.width)
    projected = project_samples(camera, surface.vertices)
    cut = triangles.cut(surface.scene.texture)
    faces = rasterize(projected, triangles.faces, *size, cut=cut).faces
    return (faces >= 0) & np.isin(triangles.picture[faces], pictures)


def painted(surface: Surface, albedo: float) -> Surface:
    """The same in one colour."""
    texture = surface.scene.texture
    texture = replace(texture, albedo=np.full_like(texture.albedo, albedo))
    return replace(surface, scene=replace(surface.scene, texture=texture))


def rows_of(scene: Scene, number: int) -> NDArray[np.integer]:
    """The points of triangles with a picture."""
    return np.unique(scene.triangles.faces[scene.triangles.picture == number])


def share(picture: Picture, region: str) -> float:
    return float((picture.regions == REGION_LABELS[region]).mean())


def brightness(picture: Picture, where: NDArray[np.bool_]) -> float:
    return float(picture.colour[where].mean())


@pytest.mark.parametrize("number", [0, 3, 8, 13])
def test_vertices_are_drawn_where_the_camera_projects_them(
    scene: Scene, at_rest: Surface, number: int
):
    """Only what surrounds one vertex of the tracked mesh is lit; that is the picture's spot."""
    camera = capture_cameras(16, 256, 256, 0)[number]
    vertices = scene.rest.numpy()
    tip = int(vertices[:, 2].argmax())
    for vertex in (tip, int(scene.head.regions["lip_inner_upper"][5])):
        light = np.zeros_like(at_rest.light)
        near = np.linalg.norm(at_rest.vertices - vertices[vertex], axis=1) < 0.0015
        light[near] = 1.0
        lit = replace(at_rest, light=light, lamps=np.zeros_like(at_rest.lamps))
        spot = draw(lit, camera, PLAIN).colour.astype(float).sum(-1)
        rows, columns = np.mgrid[:256, :256] + 0.5
        weights = spot / spot.sum()
        x, y, _ = project_samples(camera, vertices[vertex : vertex + 1])[0]
        assert abs((weights * columns).sum() - x) < 1.0
        assert abs((weights * rows).sum() - y) < 1.0


def test_colours_are_straight_and_the_mask_covers_edges_in_part(at_rest: Surface):
    plain = painted(replace(at_rest, light=np.ones_like(at_rest.light)), 0.2)
    picture = draw(replace(plain, lamps=0 * plain.lamps), FRONT, PLAIN)
    covered = picture.mask > 0
    assert len(np.unique(picture.colour[covered], axis=0)) == 1
    assert not picture.colour[~covered].any()
    partly = (picture.mask > 0) & (picture.mask < 255)
    assert 0.005 < partly.mean() < 0.1
    assert (picture.mask == 255).mean() > 0.3


def test_more_samples_change_little_but_edges(at_rest: Surface):
    coarse, fine = draw(at_rest, FRONT, PLAIN, 4), draw(at_rest, FRONT, PLAIN, 12)
    difference = np.abs(coarse.mask.astype(int) - fine.mask.astype(int))
    assert difference.mean() < 1.0
    both = (coarse.mask == 255) & (fine.mask == 255)
    close = np.abs(coarse.colour[both].astype(int) - fine.colour[both].astype(int))
    assert close.mean() < 3.0


def test_light_and_gain_brighten(at_rest: Surface):
    usual, bright = draw(at_rest, FRONT, PLAIN), draw(at_rest, FRONT, PLAIN * 1.3)
    red = draw(at_rest, FRONT, np.array([1.3, 1, 1]))
    inside = usual.mask == 255
    assert brightness(bright, inside) > brightness(usual, inside) + 5
    assert np.array_equal(red.colour[..., 1:], usual.colour[..., 1:])
    assert red.colour[..., 0][inside].mean() > usual.colour[..., 0][inside].mean() + 5


def test_highlights_move_with_the_viewer(scene: Scene, at_rest: Surface):
    """Points that face the front look different from two sides, hardly so without their gloss."""
    matt = replace(at_rest, lamps=0 * at_rest.lamps)
    normals = vertex_normals(scene.rest, scene.head.faces)
    front = (normals[:, 2] > 0.9) & (scene.rest[:, 2] > 0.09) & (scene.rest[:, 1] < 0.0)
    changes = []
    for surface in (at_rest, matt):
        seen = []
        for azimuth in (-30.0, 30.0):
            target = torch.tensor([0.0, -0.03, 0.08])
            camera = orbit(target, 1.0, azimuth, 0.0, 8.0, width=200, height=200)
            x, y, _ = project_samples(camera, scene.rest[front].numpy()).astype(int).T
            seen.append(draw(surface, camera, PLAIN).colour[y, x].astype(float))
        changes.append(np.abs(seen[0] - seen[1]).mean())
    assert changes[0] > 1.5 * changes[1]


def test_the_mouth_is_dark_inside_and_shows_teeth_when_open(scene: Scene, at_rest: Surface):
    assert not seen_parts(at_rest, MOUTH, TEETH, TONGUE).any()
    wide = face(scene, jawOpen=0.8)
    teeth, deep = (seen_parts(wide, MOUTH, number) for number in (TEETH, TONGUE))
    assert teeth.sum() > 40
    picture = draw(wide, MOUTH, PLAIN)
    lips = (picture.regions == REGION_LABELS["mouth"]) & ~teeth & ~deep
    assert brightness(picture, teeth) > brightness(picture, deep) + 20
    assert share(picture, "mouth") > share(draw(at_rest, MOUTH, PLAIN), "mouth")
    inner = scene.head.regions["inner_mouth"].numpy()
    back = load_library().head[inner[scene.rest.numpy()[inner, 2] < 0.05]]
    face_front = load_library().head[scene.rest.numpy()[:, 2] > 0.08]
    assert 0 < np.median(wide.light[back]) < 0.25 * np.median(wide.light[face_front])
    assert lips.any()


@pytest.mark.parametrize("which", ["scene", "other_scene"])
def test_shut_lids_hide_the_eyes(which: str, request: pytest.FixtureRequest):
    scene = request.getfixturevalue(which)
    opened = seen_parts(face(scene), EYES, EYEBALLS)
    shut = seen_parts(face(scene, eyeBlinkLeft=1, eyeBlinkRight=1), EYES, EYEBALLS)
    assert opened.sum() > 150
    assert shut.sum() <= 0.03 * opened.sum()


def test_eyes_that_look_aside_move_the_iris(scene: Scene, at_rest: Surface):
    def dark_middle(surface: Surface) -> float:
        eye = seen_parts(surface, EYES, EYEBALLS)
        eye[:, : EYES.width // 2] = False  # the subject's left eye is to the right
        dark = eye & (draw(surface, EYES, PLAIN).colour.sum(-1) < 200)
        return float(np.nonzero(dark)[1].mean())

    aside = face(scene, eyeLookOutLeft=0.8, eyeLookInRight=0.8)
    assert dark_middle(aside) > dark_middle(at_rest) + 2


def test_all_regions_are_seen_and_lie_within_the_mask(at_rest: Surface):
    picture = draw(at_rest, FRONT, PLAIN)
    assert set(np.unique(picture.regions)) == set(REGION_LABELS.values())
    assert not picture.regions[picture.mask == 0].any()
    assert share(picture, "skin") > share(picture, "hair") > share(picture, "mouth") > 0.003


def test_hair_moves_with_the_head_as_one_piece(scene: Scene, at_rest: Surface):
    pose = np.eye(4)
    pose[:3, :3] = axis_angle_to_matrix(torch.tensor([0.1, -0.2, 0.05])).numpy()
    pose[:3, 3] = 0.01
    turned = pose_scene(scene, np.zeros(scene.rest.shape), pose)
    hair, clothes = (rows_of(scene, number) for number in (HAIR, CLOTHES))
    expected = at_rest.vertices[hair] @ pose[:3, :3].T + pose[:3, 3]
    assert np.allclose(turned.vertices[hair], expected)
    assert np.allclose(turned.vertices[clothes], at_rest.vertices[clothes])
    surprised = face(scene, browInnerUp=1, jawOpen=1)
    assert np.allclose(surprised.vertices[hair], at_rest.vertices[hair])


def test_brows_and_lashes_stay_on_the_skin(scene: Scene, at_rest: Surface):
    raised = face(scene, browInnerUp=1, browOuterUpLeft=1, browOuterUpRight=1, eyeBlinkLeft=1)
    moved = raised.vertices - at_rest.vertices
    skin = rows_of(scene, SKIN)
    for number in (BROWS, LASHES):
        hairs = rows_of(scene, number)
        nearest = skin[KDTree(at_rest.vertices[skin]).query(at_rest.vertices[hairs])[1]]
        assert np.linalg.norm(moved[hairs], axis=1).max() > 0.004
        assert np.linalg.norm(moved[hairs] - moved[nearest], axis=1).mean() < 0.002


def test_another_seed_is_another_person(scene: Scene, other_scene: Scene):
    other = other_scene
    assert other.rest.shape == scene.rest.shape
    assert 0.002 < float((other.rest - scene.rest).norm(dim=1).mean()) < 0.02
    upper, lower = (scene.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    for one in (scene, other):
        assert float((one.rest[upper] - one.rest[lower]).norm(dim=1).max()) < 1e-5
    assert len(other.points.rest) != len(scene.points.rest)
