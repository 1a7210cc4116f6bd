"""Pictures of the subject: where things are drawn, what hides what, colours, masks, regions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.triangle_mesh import vertex_normals
from avatar.geometry.zbuffer import project_samples, rasterize
from avatar.reconstruct.capture_writer import REGION_LABELS
from research.captures.cameras import capture_cameras
from research.captures.picture import Picture, Surface, draw
from research.captures.pose import pose_scene
from research.captures.scene import Scene
from splat import Camera, orbit

PLAIN = np.ones(3)
FRONT = orbit(torch.tensor([0.0, -0.005, 0.0]), 1.05, 0.0, 0.0, 18.6, width=160, height=160)
MOUTH = orbit(torch.tensor([0.0, -0.05, 0.08]), 1.0, 0.0, 0.0, 3.5, width=96, height=96)
EYES = orbit(torch.tensor([0.0, 0.018, 0.08]), 1.0, 0.0, 0.0, 6.0, width=96, height=96)


def face(scene: Scene, **weights: float) -> Surface:
    """The surface with some units at some weights."""
    vertices = scene.rest.clone()
    for name, weight in weights.items():
        vertices += weight * scene.units[scene.head.unit_names.index(name)]
    return pose_scene(scene, vertices.numpy(), np.eye(4))


def seen_parts(scene: Scene, surface: Surface, camera: Camera, *groups: str) -> NDArray[np.bool_]:
    """Where triangles of the head's groups are seen [H, W]."""
    projected = project_samples(camera, surface.vertices)
    faces = rasterize(projected, surface.triangles.faces, camera.height, camera.width).faces
    parts = scene.body.subject.part(*groups)
    return (faces >= 0) & np.isin(surface.triangles.owners[faces], parts)


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
    texels = np.tile(
        np.array([0.2, 0.1, 0.05, 0, 1], np.float32), (len(at_rest.triangles.texture.texels), 1)
    )
    texture = replace(at_rest.triangles.texture, texels=texels)
    triangles = replace(at_rest.triangles, texture=texture)
    plain = replace(at_rest, triangles=triangles, light=np.ones_like(at_rest.light))
    picture = draw(plain, FRONT, PLAIN)
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
    texels = at_rest.triangles.texture.texels.copy()
    texels[:, 3] = 0
    texture = replace(at_rest.triangles.texture, texels=texels)
    matt = replace(at_rest, triangles=replace(at_rest.triangles, texture=texture))
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
    assert not seen_parts(scene, at_rest, MOUTH, "upper-teeth", "lower-teeth", "tongue").any()
    wide = face(scene, jawOpen=0.8)
    teeth = seen_parts(scene, wide, MOUTH, "upper-teeth")
    deep = seen_parts(scene, wide, MOUTH, "tongue")
    assert teeth.sum() > 40
    picture = draw(wide, MOUTH, PLAIN)
    lips = (picture.regions == REGION_LABELS["mouth"]) & ~teeth & ~deep
    assert brightness(picture, teeth) > brightness(picture, deep) + 20
    assert share(picture, "mouth") > share(draw(at_rest, MOUTH, PLAIN), "mouth")
    inner = scene.head.regions["inner_mouth"].numpy()
    back = inner[scene.rest.numpy()[inner, 2] < 0.05]
    assert scene.matter.through[back].mean() > 0
    assert wide.light.min() < 0.25 * np.median(wide.light)
    assert lips.any()


@pytest.mark.parametrize("which", ["scene", "other_scene"])
def test_shut_lids_hide_the_eyes(which: str, request: pytest.FixtureRequest):
    scene = request.getfixturevalue(which)
    opened = seen_parts(scene, face(scene), EYES, "l-eye", "r-eye")
    shut = seen_parts(scene, face(scene, eyeBlinkLeft=1, eyeBlinkRight=1), EYES, "l-eye", "r-eye")
    assert opened.sum() > 150
    assert shut.sum() <= 0.03 * opened.sum()


def test_eyes_that_look_aside_move_the_iris(scene: Scene, at_rest: Surface):
    def dark_middle(surface: Surface) -> float:
        eye = seen_parts(scene, surface, EYES, "l-eye")
        dark = eye & (draw(surface, EYES, PLAIN).colour.sum(-1) < 200)
        return float(np.nonzero(dark)[1].mean())

    aside = face(scene, eyeLookOutLeft=0.8, eyeLookInRight=0.8)
    assert dark_middle(aside) > dark_middle(at_rest) + 2  # the subject's left is to the right


def test_all_regions_are_seen_and_lie_within_the_mask(at_rest: Surface):
    picture = draw(at_rest, FRONT, PLAIN)
    assert set(np.unique(picture.regions)) == set(REGION_LABELS.values())
    assert not picture.regions[picture.mask == 0].any()
    assert share(picture, "skin") > share(picture, "hair") > share(picture, "mouth") > 0.003


def test_hair_moves_with_the_head_as_one_piece(scene: Scene, at_rest: Surface):
    pose = np.eye(4)
    pose[:3, :3] = axis_angle_to_matrix(torch.tensor([0.1, -0.2, 0.05])).numpy()
    pose[:3, 3] = 0.01
    turned = pose_scene(scene, scene.rest.numpy(), pose)
    first = len(scene.pieces.triangles)
    hair = slice(first, first + len(scene.hair.vertices))
    expected = at_rest.vertices[hair] @ pose[:3, :3].T + pose[:3, 3]
    assert np.allclose(turned.vertices[hair], expected)
    assert np.allclose(turned.vertices[:first], at_rest.vertices[:first])


def test_brows_and_lashes_stay_on_the_skin(scene: Scene, at_rest: Surface):
    first = len(scene.pieces.triangles) + len(scene.hair.vertices)
    raised = face(scene, browInnerUp=1, browOuterUpLeft=1, browOuterUpRight=1, eyeBlinkLeft=1)
    moved = raised.vertices[first:] - at_rest.vertices[first:]
    roots = scene.body.faces[scene.fine_hair.triangles]
    unit = sum(
        scene.units[scene.head.unit_names.index(name)]
        for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "eyeBlinkLeft")
    )
    expected = torch.as_tensor(unit).numpy()[roots].mean(1)
    assert np.linalg.norm(moved, axis=1).max() > 0.004
    assert np.linalg.norm(moved - expected, axis=1).mean() < 0.002


def test_another_seed_is_another_person(scene: Scene, other_scene: Scene):
    other = other_scene
    assert other.rest.shape == scene.rest.shape
    assert 0.002 < float((other.rest - scene.rest).norm(dim=1).mean()) < 0.02
    upper, lower = (scene.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    for one in (scene, other):
        assert float((one.rest[upper] - one.rest[lower]).norm(dim=1).max()) < 1e-5
    assert len(other.hair.vertices) != len(scene.hair.vertices)
