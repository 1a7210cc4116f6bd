"""An avatar of one photo of a made-up person, against that person from other sides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.geometry.vectors import normalised, smoothstep
from avatar.geometry.zbuffer import camera_centre, project
from avatar.lighting.materials import tone
from avatar.photo.build import SPHERICAL, Made
from avatar.photo.fit import fit
from avatar.photo.make import avatar_of_photos
from avatar.photo.photograph import see
from avatar.photo.surface import beside_face, skin_parts
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import load_face_finder
from avatar.vision.mattes import load_matting
from splat import Camera, orbit
from tests.heads_in_pictures import DEMO

SIZE, DISTANCE, ANGLE = 448, 1.3, 20.0
GREY = 0.4


def camera(yaw: float) -> Camera:
    demo = load_avatar(DEMO)
    return orbit(demo.vertices.mean(0), DISTANCE, yaw, 0.0, ANGLE, width=SIZE, height=SIZE)


def picture(avatar, view: Camera, vertices=None, background: float = GREY) -> np.ndarray:
    draw = rasterizer("cpu", torch.full((3,), background))
    shape = avatar.vertices if vertices is None else vertices
    return draw(avatar_rig(avatar, torch.device("cpu"))(shape), view).numpy()


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    """A photo whose file tells the camera's focal length."""
    path = tmp_path_factory.mktemp("photo") / "me.png"
    exif = Image.Exif()
    exif[0x0112] = 1
    diagonal = SIZE * 2**0.5
    focal = float(camera(0.0).K[0, 0])
    exif.get_ifd(0x8769)[0xA405] = round(focal / diagonal * np.hypot(36, 24))
    levels = (picture(load_avatar(DEMO), camera(0.0)) * 255).round().astype(np.uint8)
    Image.fromarray(levels).save(path, exif=exif)
    return path


@pytest.fixture(scope="module")
def made(photo: Path) -> Made:
    return avatar_of_photos([photo]).made


def psnr(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    return float(-10 * np.log10(((one - other)[mask] ** 2).mean()))


def test_the_photo_is_shown_again(made: Made):
    view = made.scene.views[0]
    vertices = torch.from_numpy(view.shape.vertices[: len(made.avatar.vertices)]).float()
    shown = picture(made.avatar, view.photo.camera, vertices)
    seen = view.photo.seen
    assert psnr(shown, seen.picture, seen.person > 0.5) > 27


def from_the_side(made: Made, yaw: float) -> np.ndarray:
    """The avatar from so many degrees beside the photo's camera, as far away as the truth."""
    view = made.scene.views[0]
    front, side = camera(0.0).viewmat, camera(yaw).viewmat
    to_camera = view.photo.camera.viewmat
    vertices = torch.from_numpy(view.shape.vertices[: len(made.avatar.vertices)]).float()
    middle = vertices.mean(0) @ to_camera[:3, :3].T + to_camera[:3, 3]
    truth = load_avatar(DEMO).vertices.mean(0) @ front[:3, :3].T + front[:3, 3]
    around = side @ torch.linalg.inv(front)
    around[:3, 3] *= middle[2] / truth[2]
    focal = camera(yaw).K
    return picture(made.avatar, Camera(around @ to_camera, focal, SIZE, SIZE), vertices)


def test_a_made_up_head_is_alike_from_the_side(made: Made):
    truth = load_avatar(DEMO)
    view = camera(30.0)
    on_grey, on_white = (picture(truth, view, None, b) for b in (GREY, 1.0))
    person = np.abs(on_white - on_grey).max(2) < 0.3
    rows = np.indices(person.shape)[0]
    head = person & (rows < SIZE * 0.62)
    assert psnr(from_the_side(made, 30.0), on_grey, head) > 20


def test_lips_are_shut_at_rest(made: Made):
    head = made.scene.subject.head
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    gap = (made.avatar.vertices[upper] - made.avatar.vertices[lower]).norm(dim=1)
    assert float(gap.max()) < 1e-5


def test_skin_counts_as_observed_by_how_it_faces_the_camera(made: Made):
    skin, observed = made.painted.skin, made.painted.observed
    camera_position = camera_centre(made.scene.views[0].photo.camera).double().numpy()
    facing = (skin.normals * normalised(camera_position - skin.points)).sum(1)
    assert observed[facing < 0.1].max() == 0
    assert (observed <= smoothstep(0.1, 0.45, facing) + 0.05).all()
    face = (np.abs(skin.mm[:, 0]) < 40) & (skin.mm[:, 2] > 60) & (skin.inner_mouth < 0.1)
    face &= skin.lids < 0.1
    assert np.quantile(observed[face & (facing > 0.6)], 0.05) > 0.99


def test_sides_of_the_head_keep_the_colours_that_were_invented(made: Made):
    part = made.part
    follows = skin_parts(made.scene, made.painted)[0].follows
    invented = (made.painted.observed == 0) & (beside_face(made.painted.skin.mm) == 1)
    assert invented.sum() > 1000 and follows[: len(invented)][invented].max() == 0
    drawn = 0.5 + SPHERICAL * made.avatar.gaussians.sh[:, 0].numpy()
    still = part.follows == 0
    assert drawn[still] == pytest.approx(tone(part.layer.radiance[still]), abs=0.01)


def test_no_colour_makes_up_for_what_lies_before_it(made: Made):
    """As skin would that is brightened beneath dark lashes: it has its own colour, or about one
    that the photo has close to it."""
    part, view = made.part, made.scene.views[0]
    teeth = made.scene.subject.head.group_faces("upper-teeth", "lower-teeth")
    chosen = np.flatnonzero((part.follows > 0) & ~torch.isin(made.avatar.binding, teeth).numpy())
    chosen = np.random.default_rng(0).permutation(chosen)[:2000]
    vertices = torch.from_numpy(view.shape.vertices[: len(made.avatar.vertices)]).float()
    means = avatar_rig(made.avatar, torch.device("cpu"))(vertices).means[chosen]
    x, y = project(view.photo.camera, means)[0].numpy().T.astype(int)
    drawn = 0.5 + SPHERICAL * made.avatar.gaussians.sh[chosen, 0].numpy()
    own = tone(part.layer.radiance[chosen])
    photo = np.pad(view.photo.seen.picture, ((5, 5), (5, 5), (0, 0)), "edge")
    height, width = view.photo.seen.person.shape
    for column, row, before, after in zip(
        x.clip(0, width - 1), y.clip(0, height - 1), own, drawn, strict=True
    ):
        near = photo[row : row + 11, column : column + 11].reshape(-1, 3)
        assert (after >= np.minimum(before, near.min(0)) - 0.07).all()
        assert (after <= np.maximum(before, near.max(0)) + 0.07).all()


def test_a_mirrored_photo_gives_the_mirrored_person(photo: Path, tmp_path: Path):
    finder, matting = load_face_finder(), load_matting()
    flipped = tmp_path / "flipped.png"
    with Image.open(photo) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(flipped, exif=image.getexif())
    one, other = (fit([see(path, finder, matting)]) for path in (photo, flipped))
    middle = one.model.head.vertices
    mirror = torch.cdist(middle * torch.tensor([-1.0, 1.0, 1.0]), middle).argmin(1)
    mirrored = other.rest[mirror] * torch.tensor([-1.0, 1.0, 1.0])
    face = (one.rest[:, 2] > 0.05) & (one.rest[:, 1].abs() < 0.1)
    assert float((one.rest - mirrored)[face].norm(dim=1).mean()) < 1.0e-3
    assert one.photos[0].yaw == pytest.approx(-other.photos[0].yaw, abs=1.5)


def test_the_file_says_what_it_was_made_of(made: Made, tmp_path: Path):
    origin = "a photo, by VoiceSplat 0.1.0 on 2026-11-22"
    save_avatar(tmp_path / "me.ply", replace(made.avatar, origin=origin))
    assert load_avatar(tmp_path / "me.ply").origin == origin
    assert load_avatar(DEMO).origin == ""
