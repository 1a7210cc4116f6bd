"""Photos of all kinds: a good result, or one sentence."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, gaussian_filter

from avatar.photo.fit import fit
from avatar.photo.make import avatar_of_photos, check_turn, mouth_covered
from avatar.photo.photograph import see
from avatar.vision.follow import faces_in_picture, load_face_finder
from avatar.vision.mattes import load_matting
from common.errors import InputError
from research.captures.picture import draw
from research.captures.pose import Surface
from splat import look_at
from tests.heads_in_pictures import head, on_grey, turned_demo

FINDER, MATTING = load_face_finder(), load_matting()


def saved(path: Path, picture, **more) -> Path:
    levels = (np.asarray(picture) * 255).round().astype(np.uint8)
    Image.fromarray(levels).save(path, **more)
    return path


def looked_at(path: Path, face: int = 0):
    return see(path, FINDER, MATTING, face=face)


@pytest.mark.parametrize("kind", ["grey", "deep", "alpha", "palette"])
def test_kinds_of_pixels(tmp_path: Path, kind: str):
    path = tmp_path / "me.png"
    image = Image.fromarray((head("woman", 384).numpy() * 255).astype(np.uint8))
    if kind == "deep":
        deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(path)
    elif kind == "alpha":
        image.putalpha(255)
        image.save(path)
    else:
        image.convert({"grey": "L", "palette": "P"}[kind]).save(path)
    plain = looked_at(saved(tmp_path / "plain.png", head("woman", 384)))
    seen = looked_at(path)
    assert float((seen.points - plain.points).abs().max()) < 0.02 * seen.picture.shape[0]


def test_what_is_opaque_is_the_person_if_they_are_cut_out_and_not_framed(tmp_path: Path):
    picture = head("bob", 384).numpy()
    rows, columns = np.indices(picture.shape[:2])
    there = picture.max(2) > 0.02  # before black
    picture = np.where(there[..., None], picture, (0.35, 0.45, 0.6))
    wider = np.asarray(binary_dilation(there, iterations=6), float)
    circle = (np.hypot(rows - 192, columns - 192) < 230).astype(float)
    found, cut, framed = (
        looked_at(saved(tmp_path / f"{k}.png", np.dstack([picture, opacity])))
        for k, opacity in enumerate((np.ones(there.shape), wider, circle))
    )
    persons = [(seen.person > 0.5).mean() for seen in (found, cut, framed)]
    assert persons[1] > 1.03 * persons[0] and abs(persons[2] / persons[0] - 1) < 0.03


def test_a_turned_photo_is_put_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(head("man", 384).numpy())
    seen = looked_at(saved(tmp_path / "me.png", turned, exif=exif))
    assert abs(fit([seen]).photos[0].yaw) < 15
    eyes = seen.points[[33, 263]]
    assert abs(float(eyes[0, 1] - eyes[1, 1])) < 0.1 * float(eyes[1, 0] - eyes[0, 0])


@pytest.mark.parametrize(("millimetres", "widths"), [(4, 1.2), (50, 1.634)])
def test_a_focal_length_that_no_portrait_has_is_left_out_and_told(
    tmp_path: Path, millimetres: int, widths: float
):
    """Files that give a phone's true 4 mm for the equivalent of 26."""
    exif = Image.Exif()
    exif[0x0112], exif.get_ifd(0x8769)[0xA405] = 1, millimetres
    path = saved(tmp_path / "me.png", head("woman", 384), exif=exif)
    seen, plain = looked_at(path), looked_at(saved(tmp_path / "plain.png", head("woman", 384)))
    assert seen.focal / plain.focal == pytest.approx(widths / 1.2, rel=1e-3)
    assert seen.focal_known == (millimetres == 50)
    assert any("focal length" in remark for remark in seen.remarks) == (millimetres != 50)


def test_twenty_megapixels(tmp_path: Path):
    large = np.asarray(
        Image.fromarray((head("woman").numpy() * 255).astype(np.uint8)).resize((4500, 4500))
    )
    path = tmp_path / "me.jpg"
    Image.fromarray(large).save(path)
    assert max(looked_at(path).size) <= 800


def test_the_largest_of_two_faces_is_taken_and_told(tmp_path: Path):
    picture = on_grey(400, 700, ("woman", 380, 10, 10), ("man", 220, 450, 100))
    seen = looked_at(saved(tmp_path / "two.png", picture))
    assert seen.remarks == (
        "shows 2 faces, of which the largest was taken; --face 1 takes the next",
    )


def test_the_smaller_of_two_faces_may_be_asked_for(tmp_path: Path):
    picture = on_grey(400, 700, ("woman", 380, 10, 10), ("man", 220, 450, 100))
    path = saved(tmp_path / "two.png", picture)
    alone = looked_at(saved(tmp_path / "man.png", on_grey(400, 700, ("man", 220, 450, 100))))
    second = looked_at(path, face=1)
    assert second.remarks == alone.remarks
    assert float((second.points - alone.points).norm(dim=1).mean()) < 0.01 * alone.size[1]
    assert "--face 2:" in sentence(lambda: looked_at(path, face=2))


def test_what_is_cut_out_lies_on_grey(tmp_path: Path):
    picture = head("woman", 384).numpy()
    cut = np.concatenate([picture, np.ones((384, 384, 1))], axis=2)
    cut[:, :30] = cut[:, -30:] = 0
    seen = looked_at(saved(tmp_path / "cut.png", cut))
    plain = looked_at(saved(tmp_path / "plain.png", picture))
    assert float((seen.points - plain.points).norm(dim=1).mean()) < 0.01 * plain.size[1]
    assert np.abs(seen.picture[:, :4] - 128 / 255).max() < 0.02 and seen.person[:, :4].max() < 0.1


MASK = (6, 117, 123, 132, 58, 172, 150, 152, 379, 397, 288, 361, 352, 346)
"""Landmarks around mouth, chin and the tip of the nose."""
FRINGE = (127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356, 336, 9, 107)
"""Around the forehead, down to the brows."""


def with_cover(ring: tuple[int, ...], colour: tuple[float, float, float]) -> np.ndarray:
    """A woman, part of whose face is of one colour."""
    points = faces_in_picture(FINDER, head("woman", 384)).points[0].numpy()
    image = Image.fromarray((head("woman", 384).numpy() * 255).astype(np.uint8))
    fill = tuple(round(255 * level) for level in colour)
    corners = [(float(x), float(y)) for x, y in points[list(ring), :2]]
    ImageDraw.Draw(image).polygon(corners, fill)
    return np.asarray(image) / 255


@pytest.mark.parametrize("colour", [(0.55, 0.75, 0.9), (0.95, 0.95, 0.95), (0.08, 0.08, 0.08)])
def test_a_mask_over_the_mouth_is_told(tmp_path: Path, colour: tuple[float, float, float]):
    try:
        seen = looked_at(saved(tmp_path / "masked.png", with_cover(MASK, colour)))
    except InputError as error:
        assert "no face was found" in str(error)
    else:
        assert mouth_covered(seen)


@pytest.mark.parametrize("name", ["woman", "bob", "man"])
def test_a_bare_mouth_is_not_covered(tmp_path: Path, name: str):
    assert not mouth_covered(looked_at(saved(tmp_path / "me.png", head(name, 384))))


@pytest.mark.parametrize("colour", [(0.08, 0.06, 0.05), (0.3, 0.2, 0.12)])
def test_a_dark_fringe_covers_no_mouth(tmp_path: Path, colour: tuple[float, float, float]):
    seen = looked_at(saved(tmp_path / "fringe.png", with_cover(FRINGE, colour)))
    assert not mouth_covered(seen)


def test_a_cat(tmp_path: Path):
    assert "no face was found" in sentence(lambda: looked_at(saved(tmp_path / "cat.png", cat())))


def cat(size: int = 400) -> np.ndarray:
    """Fur, pointed ears, slit eyes, a white muzzle."""
    y, x = np.indices((size, size)) / size
    across = np.abs(x - 0.5)
    fur = 1 + 3 * gaussian_filter(np.random.default_rng(5).normal(size=y.shape), (4, 1))[..., None]
    picture = np.full((size, size, 3), 0.55)
    ears = (y > 0.12) & (y < 0.4) & (np.abs(across - 0.22) < 0.35 * (y - 0.12))
    for where, colour in (
        (ears, (0.55, 0.4, 0.25)),
        (np.hypot(across / 0.32, (y - 0.55) / 0.3) < 1, (0.6, 0.45, 0.28)),
        (np.hypot(across / 0.16, (y - 0.68) / 0.11) < 1, (0.85, 0.8, 0.75)),
    ):
        picture[where] = (np.array(colour) * fur)[where]
    picture[np.hypot((across - 0.13) / 0.06, (y - 0.5) / 0.045) < 1] = 0.75, 0.8, 0.25
    picture[np.hypot((across - 0.13) / 0.014, (y - 0.5) / 0.04) < 1] = 0.02
    picture[(y > 0.62) & (y < 0.66) & (across < 0.66 - y)] = 0.75, 0.4, 0.42
    return picture.clip(0, 1)


def test_a_small_face_is_told_to_be_blurred(tmp_path: Path):
    seen = looked_at(saved(tmp_path / "far.png", on_grey(480, 640, ("woman", 120, 200, 100))))
    assert "blurred" in seen.remarks[0]


def test_a_face_that_fills_the_frame(tmp_path: Path):
    close = head("woman", 512)[110:430, 110:400]
    seen = looked_at(saved(tmp_path / "close.png", close))
    assert np.ptp(seen.points[:, 1].numpy()) > 0.6 * seen.size[1]


def sentence(call) -> str:
    with pytest.raises(InputError) as told:
        call()
    return str(told.value)


def test_no_face(tmp_path: Path):
    path = saved(tmp_path / "wall.png", np.full((300, 300, 3), 0.5))
    assert "no face was found" in sentence(lambda: looked_at(path))


def test_a_drawing_is_a_face_like_others(tmp_path: Path):
    rows, columns = np.indices((400, 400))
    drawing = np.ones((400, 400, 3))
    for x, y, size in ((200, 200, 150), (150, 160, 15), (250, 160, 15), (200, 270, 40)):
        ring = np.abs(np.hypot(columns - x, rows - y) - size) < 3
        drawing[ring] = 0
    seen = looked_at(saved(tmp_path / "drawing.png", drawing))
    eyes = seen.points[[33, 263], 0] / seen.size[0] * 400
    assert 100 < float(eyes[0]) < 170 and 230 < float(eyes[1]) < 300  # where they were drawn
    fitted = fit([seen])
    assert abs(fitted.photos[0].yaw) < 20
    assert float((fitted.rest - fitted.model.mean).norm(dim=1).max()) < 0.03


def test_a_profile(tmp_path: Path):
    path = saved(tmp_path / "side.png", turned_demo(75.0))
    told = sentence(lambda: check_turn(fit([looked_at(path)])))
    assert "no face" in told or "from the side" in told


def test_a_face_of_few_pixels(tmp_path: Path):
    picture = on_grey(600, 800, ("woman", 56, 300, 200))
    told = sentence(lambda: looked_at(saved(tmp_path / "far.png", picture)))
    assert "pixels high" in told or "no face" in told


def test_what_is_no_picture(tmp_path: Path):
    path = tmp_path / "me.jpg"
    path.write_bytes(b"not a picture")
    assert "is not a picture that can be read" in sentence(lambda: avatar_of_photos([path]))
    with pytest.raises(FileNotFoundError, match="no such picture"):
        looked_at(tmp_path / "none.jpg")


def test_a_photo_tells_by_its_perspective_how_far_the_head_is(at_rest: Surface, tmp_path: Path):
    """Where the file does not say it: heads of one size in the picture, from near and far."""
    middle = torch.as_tensor(at_rest.scene.rest).float().mean(0) + torch.tensor([0, 0.02, 0.03])
    found = []
    for metres in (0.45, 1.8):
        eye = middle + torch.tensor([0, 0, metres])
        up, focal = torch.tensor([0.0, 1, 0]), 384 * metres / 0.42
        camera = look_at(eye, middle, up, focal=focal, width=384, height=384)
        drawn = draw(at_rest, camera, np.ones(3), samples=2)
        image = Image.fromarray(drawn.colour)
        image.putalpha(Image.fromarray(drawn.mask))
        image.save(path := tmp_path / f"{metres}.png")
        photo = fit([looked_at(path)]).photos[0]
        assert not photo.seen.focal_known
        found.append(float(photo.camera.viewmat[2, 3]))
    near, far = found
    assert near < 0.45 * 1.6 and far > 1.5 * near, found
