"""Pictures on triangles: which texel a place has, holes, dithered opacity."""

import numpy as np
import pytest

from avatar.geometry.vectors import normalised
from avatar.geometry.zbuffer import Cut, rasterize, texel_at
from avatar.people.library import texels_at, texture
from research.captures.scene import Scene
from research.captures.texture import joined, shrunk, skin_picture, toned

RNG = np.random.default_rng(3)


def test_texels_are_those_of_the_library_s_convention():
    """v points up: the nearest texel's middle has the value between texels."""
    shape = (6, 9)
    values = np.arange(54.0).reshape(*shape, 1)
    texture = joined([np.zeros((2, 3, 4)), np.dstack([values] * 3 + [np.ones(shape)])], RNG)
    uv = RNG.uniform(-1, 2, (200, 2))
    for place in uv:
        corners = np.array([[0, 0], [2, 0], [0, 2.0]]) - 1
        to_b, to_c = (place + 1) / 2
        found = texture.albedo[texel_at(corners, texture.sizes[1], to_b, to_c), 0]
        height, width = shape
        column, row = int(place[0] % 1 * width), int((1 - place[1] % 1) * height)
        middle = np.array([[(column + 0.5) / width, 1 - (row + 0.5) / height]])
        assert found == pytest.approx(texels_at(values, middle)[0, 0])


def test_opacity_is_dithered_without_bias():
    picture = np.full((200, 200, 4), 0.3)
    assert abs(joined([picture], RNG).opaque.mean() - 0.3) < 0.02
    whole, clear = picture.copy(), picture.copy()
    whole[..., 3], clear[..., 3] = 1, 0
    assert joined([whole], RNG).opaque.all() and not joined([clear], RNG).opaque.any()


def test_holes_show_what_is_behind():
    """Two large triangles in perspective, the nearer one with a checkered picture."""
    projected = np.array(
        [[0, 0, 2.0], [80, 0, 1.0], [0, 80, 1.0], [0, 0, 0.5], [80, 0, 0.5], [0, 80, 0.5]]
    )
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    uv = np.array([[[0, 1], [1, 1], [0, 0.0]]] * 2)
    opaque = np.append(np.indices((4, 4)).sum(0).ravel() % 2 == 0, True)
    cut = Cut(uv, np.array([[0, 4, 4], [16, 1, 1]], np.int32), opaque)
    seen = rasterize(projected, faces, 40, 40, cut=cut).faces
    for row, column in ((1, 2), (10, 5), (20, 15), (30, 3)):
        x, y = column + 0.5, row + 0.5
        near = 2 - x / 80 - y / 80
        u, v = x / 80 / near, 1 - y / 80 / near
        filled = opaque[int((1 - v) * 4) * 4 + int(u * 4)]
        assert seen[row, column] == (0 if filled else 1)
    assert (seen == 1).any() and (rasterize(projected, faces, 40, 40).faces <= 0).all()


def test_a_hue_keeps_light_and_dark():
    picture = RNG.uniform(0.05, 1, (32, 32, 4))
    brown = toned(picture, (120, 80, 40))
    ratio = brown[..., 0] / brown[..., 2]
    assert np.allclose(ratio, (120 / 40) ** 2.2)
    assert np.corrcoef(picture[..., :3].sum(2).ravel(), brown[..., 0].ravel())[0, 1] > 0.7
    assert np.array_equal(brown[..., 3], picture[..., 3])


def test_shrunk_pictures_keep_their_mean():
    picture = RNG.random((8, 12, 4))
    small = shrunk(picture, 4)
    assert small.shape == (2, 3, 4) and np.allclose(small[1, 2], picture[4:, 8:].mean((0, 1)))


def test_skin_is_known_everywhere_and_tinted():
    plain = skin_picture({"young_lightskinned_male": 1.0}, (1.0, 1.0, 1.0))
    dark = skin_picture({"young_lightskinned_male": 1.0}, (0.5, 0.4, 0.3))
    shown = shrunk(texture("skins", "young_lightskinned_male"), 2)
    blank = shown[..., 3] < 0.01
    known = {tuple(colour) for colour in plain[~blank][:, :3].round(9).tolist()}
    assert blank[0, 0] and tuple(plain[0, 0, :3].round(9).tolist()) in known
    assert (plain[..., 3] == 1).all()
    assert np.allclose(dark[..., :3], plain[..., :3] * [0.5, 0.4, 0.3])


def test_normals_of_hair_point_off_the_skull_and_its_fibres_lie_on_it(scene: Scene):
    points = scene.points
    hairy = points.fibres.any(1)
    assert np.allclose(np.linalg.norm(points.fibres[hairy], axis=1), 1)
    assert 0.1 < hairy.mean() < 0.9 and (points.follows[hairy] == 1).all()
    off_skull = normalised(points.rest[hairy] - [0, 0.03, -0.01])
    assert np.abs((points.fibres[hairy] * off_skull).sum(1)).mean() < 0.4
