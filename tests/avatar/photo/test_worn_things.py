"""Photos of people who wear glasses or a hat: these are found, and the face is as without them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw
from scipy.ndimage import binary_dilation

from avatar.geometry.vectors import Bools, Floats
from avatar.geometry.zbuffer import NOTHING, camera_centre
from avatar.people.glasses import eyes_of
from avatar.photo.billboard import (
    EDGE_ON,
    Billboard,
    _slopes,
    _wanted,
    billboard_cells,
    billboard_of,
)
from avatar.photo.cloth_matte import CHIN, cloth_mask, skin_mask
from avatar.photo.fit import Fitted, fit
from avatar.photo.glasses import glasses_part, glasses_worn, without_glasses
from avatar.photo.hair import without_hair
from avatar.photo.hair_outline import frame_of
from avatar.photo.make import mouth_covered
from avatar.photo.photograph import SeenPhoto, see
from avatar.photo.project import (
    FACE,
    View,
    beneath_face,
    glasses_mask,
    nearest,
    openings,
    polygon,
    well_inside,
)
from avatar.photo.subject import Scene, subject_scene
from avatar.vision.follow import faces_in_picture, load_face_finder
from avatar.vision.mattes import load_matting
from tests.heads_in_pictures import HEADS, head

FINDER, MATTING = load_face_finder(), load_matting()
SIZE = 384
FRAME = (28, 22, 20)


def drawn_on(name: str) -> tuple[Image.Image, ImageDraw.ImageDraw, np.ndarray, float]:
    """A picture to draw on, its landmarks, and the eyes' distance."""
    picture = head(name, SIZE)
    points = faces_in_picture(FINDER, picture).points[0, :, :2].double().numpy()
    image = Image.fromarray((picture.numpy() * 255).round().astype(np.uint8))
    unit = float(np.linalg.norm(points[263] - points[33]))
    return image, ImageDraw.Draw(image), points, unit


def with_glasses(name: str, thick: float) -> Image.Image:
    """Round lenses in a dark frame, so thick in eyes' distances, and a bridge."""
    image, pen, points, unit = drawn_on(name)
    line = {"fill": FRAME, "width": max(2, round(thick * unit))}
    for corner, inner in ((33, 133), (263, 362)):
        x, y = (points[corner] + points[inner]) / 2 + [0, 0.06 * unit]
        box = (x - 0.27 * unit, y - 0.2 * unit, x + 0.27 * unit, y + 0.2 * unit)
        pen.ellipse(box, outline=line["fill"], width=line["width"])
        pen.line((x + np.sign(x - points[168, 0]) * 0.27 * unit, y, points[corner, 0], y), **line)
    (x, y), across = points[168], 0.14 * unit
    pen.arc((x - across, y, x + across, y + across), 180, 360, **line)
    return image


def with_hat(name: str) -> Image.Image:
    """A bright red cap down to the middle of the forehead, wider than the head."""
    image, pen, points, unit = drawn_on(name)
    x, low = points[10, 0], points[[10, 151], 1].mean()
    pen.ellipse(
        (x - 0.95 * unit, low - 1.1 * unit, x + 0.95 * unit, low + 0.6 * unit), (190, 40, 45)
    )
    image.paste(head_below(name, low), (0, round(low)))
    return image


def head_below(name: str, row: float) -> Image.Image:
    levels = (head(name, SIZE).numpy() * 255).round().astype(np.uint8)
    return Image.fromarray(levels[round(row) :])


def looked_at(path: Path, image: Image.Image) -> SeenPhoto:
    image.save(path)
    return see(path, FINDER, MATTING)


def bare(folder: Path, name: str) -> SeenPhoto:
    return looked_at(folder / f"{name}-bare.png", head_below(name, 0))


def unlike_mm(one: Fitted, other: Fitted) -> float:
    """How far faces at rest are apart, in the mean."""
    face = (one.rest[:, 2] > 0.05) & (one.rest[:, 1].abs() < 0.1)
    return 1e3 * float((one.rest - other.rest)[face].norm(dim=1).mean())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """The man as he is."""
    return fit([bare(tmp_path_factory.mktemp("plain"), "man")])


@pytest.fixture(scope="module")
def plain_scene(plain: Fitted) -> Scene:
    return subject_scene(plain, np.random.default_rng(0))


@pytest.fixture(scope="module")
def bespectacled(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """The man with glasses."""
    path = tmp_path_factory.mktemp("worn") / "worn.png"
    return fit([looked_at(path, with_glasses("man", 0.03))])


@pytest.mark.parametrize(("name", "thick"), [("woman", 0.02), ("bob", 0.04), ("man", 0.02)])
def test_dark_frames_are_found(tmp_path: Path, name: str, thick: float):
    seen = looked_at(tmp_path / "worn.png", with_glasses(name, thick))
    assert glasses_worn(seen) and not mouth_covered(seen)


@pytest.mark.parametrize("name", HEADS)
def test_bare_eyes_wear_no_glasses(tmp_path: Path, name: str):
    assert not glasses_worn(bare(tmp_path, name))


def test_glasses_hardly_change_the_face(bespectacled: Fitted, plain: Fitted):
    assert unlike_mm(bespectacled, plain) < 1.5


def test_a_frame_stands_before_the_eyes_and_leaves_no_trace_on_the_skin(bespectacled: Fitted):
    scene, worn = without_glasses(subject_scene(bespectacled, np.random.default_rng(0)))
    assert worn is not None
    seen = scene.views[0].photo.seen
    painted = np.abs(seen.picture - np.array(FRAME) / 255).max(2) < 0.06
    painted &= polygon(seen, FACE) & ~openings(seen)
    mask = glasses_mask(seen)
    assert painted.sum() > 300 and (painted & mask).sum() > 0.9 * painted.sum()
    assert not (skin_mask(seen) * mask).any()
    part = glasses_part(scene, worn)
    front = worn.wire.temple == 0
    centres, radius = eyes_of(scene.subject.head, scene.subject.rest.vertices)
    assert (part.layer.means[front, 2] > centres[:, 2].max() + radius).all()
    solid = front & (part.layer.opacities > 0.9)
    assert solid.sum() > 0.6 * front.sum()
    assert np.median(part.layer.radiance[solid]) < 0.1


def test_a_bare_face_gets_no_frame(plain_scene: Scene):
    same, worn = without_glasses(plain_scene)
    assert worn is None and same is plain_scene


def highest_piece(scene: Scene) -> float:
    """Metres of height up to which an avatar shows what is on its photo."""
    pieces = billboard_of(without_hair(scene), hairy=False)
    assert pieces is not None
    return float(pieces.part.layer.means[:, 1].max())


def test_nothing_hangs_on_a_bald_head_below_the_mouth(plain_scene: Scene):
    """A collar beside the neck, and what else is beyond the outline of the head there."""
    scene = without_hair(plain_scene)
    view, subject = scene.views[0], scene.subject
    seen = view.photo.seen
    wide = np.asarray(binary_dilation(view.triangles != NOTHING, iterations=60), float)
    photo = replace(view.photo, seen=replace(seen, person=wide))
    pieces = billboard_of(replace(scene, views=[replace(view, photo=photo)]), hairy=False)
    assert pieces is not None
    pixels, _ = frame_of(view).seen(pieces.part.layer.means)
    columns, rows = np.clip(pixels, 0, np.array(seen.size) - 1).astype(int).T
    near = view.triangles[tuple(nearest(view.triangles != NOTHING)[:, rows, columns])]
    with_head = near < len(subject.head.faces)
    beneath = beneath_face(seen)[rows, columns] & (view.triangles == NOTHING)[rows, columns]
    assert with_head.sum() > 100 and (with_head & beneath).sum() < 5


def test_a_hat_is_a_cover_of_the_head_as_high_as_it_shows(
    plain: Fitted, plain_scene: Scene, tmp_path: Path
):
    """The face stays, nothing is said to be wrong with it, and the cap is as high as it is."""
    worn = fit([looked_at(tmp_path / "hat.png", with_hat("man"))])
    assert unlike_mm(worn, plain) < 1.5
    assert not glasses_worn(worn.photos[0].seen) and not mouth_covered(worn.photos[0].seen)
    high = highest_piece(subject_scene(worn, np.random.default_rng(0)))
    head = float(plain_scene.views[0].shape.vertices[:, 1].max())
    assert 0.005 < high - head < 0.05


def dressed(scene: Scene, cloth: Floats) -> tuple[SeenPhoto, Bools]:
    """The photo with cloth [H, W, 3] over the torso below a neck in the colour of the cheek, half
    in shade, and where it is."""
    view = scene.views[0]
    seen = view.photo.seen
    cheek = seen.picture[tuple(seen.points[50].long().flip(0).tolist())]
    below = beneath_face(seen) & (view.triangles != NOTHING)
    worn = below & (view.triangles >= len(scene.subject.head.faces))
    shade = 1 - 0.5 * (np.indices(worn.shape)[1] > seen.points[CHIN, 0].item())
    neck = np.where(below[..., None], cheek * shade[..., None], seen.picture)
    picture = np.where(worn[..., None], cloth, neck)
    person = np.maximum(seen.person, below)
    return replace(seen, picture=picture, person=person, hair=seen.hair * ~below), worn


@pytest.mark.parametrize("colours", [("white", "navy"), ("grey", "black"), ("tan", "maroon")])
def test_cloth_is_told_from_skin_in_light_and_shade(plain_scene: Scene, colours: tuple[str, str]):
    """Of two colours in stripes: also one that is like skin."""
    stripes = np.indices(plain_scene.views[0].triangles.shape)[0] % 40 < 20
    light, dark = (np.array(ImageColor.getrgb(name)) / 255 for name in colours)
    noise = np.random.default_rng(0).normal(0, 0.01, (*stripes.shape, 1))
    seen, worn = dressed(plain_scene, np.where(stripes[..., None], light, dark) + noise)
    found = cloth_mask(seen) > 0
    certain = well_inside(seen) & beneath_face(seen)
    assert (found & worn & certain).sum() > 0.93 * (worn & certain).sum()
    assert (found & ~worn).sum() < 0.03 * worn.sum()


def test_no_cloth_is_found_on_bare_shoulders(plain_scene: Scene):
    seen = plain_scene.views[0].photo.seen
    cheek = seen.picture[tuple(seen.points[50].long().flip(0).tolist())]
    seen, worn = dressed(plain_scene, np.broadcast_to(cheek, seen.picture.shape))
    assert (cloth_mask(seen) > 0).sum() < 0.05 * worn.sum()


def in_black(scene: Scene) -> tuple[View, Billboard]:
    """The view of the photo with black cloth, and its billboard."""
    seen, _ = dressed(scene, np.zeros((1, 1, 3)))
    view = scene.views[0]
    view = replace(view, photo=replace(view.photo, seen=seen))
    billboard = billboard_of(replace(scene, views=[view]), hairy=True)
    assert billboard is not None
    return view, billboard


def test_a_garment_stays_behind_what_the_photo_shows_of_clothes(plain_scene: Scene):
    view, billboard = in_black(plain_scene)
    eye = camera_centre(view.photo.camera).double().numpy()
    means = billboard.part.layer.means
    nearer, farther = (eye + share * (means - eye) for share in (0.98, 1.02))
    assert billboard.before(view, nearer).mean() > 0.95
    assert billboard.before(view, farther).mean() < 0.05
    below = view.photo.camera.viewmat[1, :3].double().numpy()  # where no photo shows anything
    assert not billboard.before(view, nearer + below).any()


def test_no_piece_stands_edge_on_before_the_mesh(plain_scene: Scene):
    """From aside it would be a fringe of collars and lapels."""
    view, billboard = in_black(plain_scene)
    edge_on = (view.triangles != NOTHING) & (_slopes(billboard.depth, view.pixel) > EDGE_ON)
    assert (edge_on & cloth_mask(view.photo.seen).astype(bool)).any()
    assert not (billboard.visible & edge_on).any()


@pytest.mark.parametrize(("skin", "wanted"), [(False, 1.0), (True, 0.5)])
def test_cloth_is_shown_above_a_torso_too_and_skin_below_it_alone(skin: bool, wanted: float):
    torso = np.zeros((40, 60), bool)
    torso[20] = True
    known, anywhere = nearest(torso), np.ones_like(torso)
    beyond = _wanted(known, anywhere, anywhere & skin, ~anywhere)
    assert beyond[:20].mean() == (not skin) and beyond[20:].all()
    assert beyond.mean() == wanted
    assert not _wanted(known, ~anywhere, anywhere & skin, ~anywhere).any()


def test_cells_cover_what_is_shown_and_are_finer_where_it_has_details_or_is_steep():
    picture = np.full((80, 120, 3), 0.5)
    picture[:, 60:] += 0.2 * (np.indices((80, 60)).sum(0) % 2)[..., None]
    shown = np.ones((80, 120), bool)
    shown[:20] = False
    steep = np.zeros((80, 120), bool)
    steep[40:, :20] = True
    grid = billboard_cells(shown, picture, steep, 4.0)
    assert set(grid.sizes.tolist()) == {2.0, 4.0}
    fine = (grid.x < 20) & (grid.y > 40)
    assert (grid.sizes[(grid.x > 66) | fine] == 2).all()
    assert (grid.sizes[(grid.x < 54) & ~fine] == 4).all()
    assert (grid.sizes**2).sum() == pytest.approx(shown.sum(), rel=0.02)
    rows, columns = grid.pixels
    assert shown[rows, columns].all() and rows.max() > 76 and columns.max() > 116
