"""Skull, ears and lids where a photo shows them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation
from torch import Tensor

from avatar.geometry.vectors import MM
from avatar.geometry.zbuffer import NOTHING, project, project_samples, rasterize
from avatar.heads import eyeball
from avatar.people.masks import ear_mask
from avatar.photo.build import IN_SHADE, SPHERICAL, with_hidden_teeth
from avatar.photo.fit import LIDS, Fitted, FittedPhoto, with_lids, with_lips, with_outline
from avatar.photo.outline import THIN
from avatar.photo.photograph import SeenPhoto
from avatar.tracking.landmarks import LIPS, SKIN_POINTS, skin_points
from avatar.tracking.model import face_model
from avatar.vision.landmarks import LEFT_CORNER, RIGHT_CORNER
from splat import orbit

SIZE = 800
MODEL = face_model()
REST = MODEL.head.vertices
EYES = [eyeball(MODEL.head, REST, f"{side}-eye")[0] for side in "lr"]
EYES_Y = float(torch.stack(EYES)[:, 1].mean())
CAMERA = orbit(REST.mean(0), 1.2, 0.0, 0.0, 22.0, width=SIZE, height=SIZE)
PIXEL = 1.2 / float(CAMERA.K[0, 0])  # metres, about


def shown(vertices: Tensor) -> np.ndarray:
    """Where [H, W] the photo shows a head."""
    corners = project_samples(CAMERA, vertices.double().numpy())
    return rasterize(corners, MODEL.head.faces.numpy(), SIZE, SIZE).faces != NOTHING


def fitted(person: np.ndarray, hair: bool) -> Fitted:
    """A head at rest in a photo with these mattes."""
    points = torch.zeros(478, 2)
    eyes = project_samples(CAMERA, torch.stack(EYES).double().numpy())[:, :2]
    points[[LEFT_CORNER, RIGHT_CORNER]] = torch.from_numpy(eyes).float()
    matte = person.astype(float)
    seen = SeenPhoto(
        path=Path("me.png"),
        picture=np.zeros((SIZE, SIZE, 3)),
        person=matte,
        hair=matte * hair,
        points=points,
        focal=float(CAMERA.K[0, 0]),
        centre=(SIZE / 2, SIZE / 2),
        focal_known=True,
        remarks=(),
    )
    photo = FittedPhoto(seen, torch.zeros(len(MODEL.units)), torch.eye(4), CAMERA)
    return Fitted(MODEL, REST, [photo])


def lowered(rows: int) -> np.ndarray:
    """The head's mask with its outline lower by some rows."""
    mask = shown(REST)
    return mask & np.roll(mask, rows, axis=0)


def over_eyes() -> np.ndarray:
    """Pixels [H, W] nearer to straight up from the eyes than to the side."""
    middle = project_samples(CAMERA, torch.stack(EYES).mean(0)[None].double().numpy())[0]
    rows, columns = np.indices((SIZE, SIZE)) + 0.5
    return middle[1] - rows > np.abs(columns - middle[0])


@pytest.mark.parametrize(("hair", "room"), [(False, 0.0), (True, THIN)])
def test_the_crown_comes_below_a_lower_outline(hair: bool, room: float):
    rows = round(12 * MM / PIXEL)
    pressed = with_outline(fitted(lowered(rows), hair)).rest
    top, was = (float(each[:, 1].max()) for each in (pressed, REST))
    assert was - top == pytest.approx(rows * PIXEL + room, abs=2.5 * MM)
    beyond, before = (shown(each) & ~lowered(rows) & over_eyes() for each in (pressed, REST))
    assert beyond.sum() < 0.1 * before.sum()


def test_the_face_stays():
    pressed = with_outline(fitted(lowered(round(12 * MM / PIXEL)), hair=True)).rest
    moved = (pressed - REST).norm(dim=1)
    assert moved[REST[:, 1] < EYES_Y + 20 * MM].max() < 1 * MM
    assert moved.max() > 10 * MM


def test_a_bald_crown_comes_up_to_a_higher_outline():
    rows = round(8 * MM / PIXEL)
    higher = shown(REST) | (np.roll(shown(REST), -rows, axis=0) & over_eyes())
    raised = with_outline(fitted(higher, hair=False)).rest
    top, was = (float(each[:, 1].max()) for each in (raised, REST))
    assert top - was == pytest.approx(rows * PIXEL, abs=2.5 * MM)
    assert (raised - REST).norm(dim=1)[REST[:, 1] < EYES_Y + 20 * MM].max() < 1.5 * MM


@pytest.mark.parametrize("hair", [False, True])
def test_a_skull_within_the_outline_stays(hair: bool):
    roomy = np.ones((SIZE, SIZE), bool) if hair else shown(REST)
    moved = (with_outline(fitted(roomy, hair)).rest - REST).norm(dim=1)
    assert moved.max() < 1.5 * MM


def with_ears(out: float, up: float) -> Tensor:
    """The head with ears further out and up by so many metres."""
    masks = ear_mask(REST.double().numpy() / MM)
    beyond = (REST[:, 0].abs() - 71 * MM).clamp(min=0) / (17 * MM)  # 1 at the ears' rims
    step = torch.stack([REST[:, 0].sign() * out * beyond, torch.full_like(beyond, up)], 1)
    moved = REST.clone()
    moved[:, :2] += torch.from_numpy(masks).float()[:, None] * step
    return moved


@pytest.mark.parametrize(
    ("out", "up", "left"),
    [(8 * MM, 0.0, 0.3), (4 * MM, 5 * MM, 0.6), (-4 * MM, -4 * MM, 0.6), (0.0, 15 * MM, 0.6)],
)
def test_ears_are_where_the_outline_is(out: float, up: float, left: float):
    """left: share of the difference to the outline that may be left."""
    true = with_ears(out, up)
    found = with_outline(fitted(shown(true), hair=False)).rest
    off, before = ((shown(each) ^ shown(true)).sum() for each in (found, REST))
    assert off < left * before
    still = torch.from_numpy(ear_mask(REST.double().numpy() / MM) == 0)
    assert (found - REST)[still & (REST[:, 1] < EYES_Y)].norm(dim=1).max() < 1 * MM


def test_ears_under_hair_stay():
    wide = np.asarray(binary_dilation(shown(REST), iterations=20), bool)
    ears = torch.from_numpy(ear_mask(REST.double().numpy() / MM) > 0.5)
    assert (with_outline(fitted(wide, hair=True)).rest - REST)[ears].norm(dim=1).max() < 1 * MM


def test_ears_stay_where_the_outline_is_no_ear_s():
    """But that of something 16 mm wide around the head, as of a hand or a hat."""
    wide = np.asarray(binary_dilation(shown(REST), iterations=round(16 * MM / PIXEL)), bool)
    ears = torch.from_numpy(ear_mask(REST.double().numpy() / MM) > 0.5)
    assert (with_outline(fitted(wide, hair=False)).rest - REST)[ears].norm(dim=1).max() < 1 * MM


@pytest.mark.parametrize(("blink", "squint"), [(0.0, 0.0), (0.3, 0.0), (0.1, 0.4)])
def test_lids_are_where_their_landmarks_are(blink: float, squint: float):
    """However wrong their units were."""
    names = MODEL.head.unit_names
    true = torch.zeros(len(names))
    true[[names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]] = blink
    true[[names.index("eyeSquintLeft"), names.index("eyeSquintRight")]] = squint
    true[names.index("jawOpen")] = 0.2
    photo = replace(fitted(shown(REST), hair=False).photos[0], weights=true)
    posed = photo.posed(REST, MODEL).double()
    points = torch.zeros(478, 2)
    points[list(SKIN_POINTS)] = project(CAMERA, skin_points(MODEL.head, posed))[0].float()
    wrong = true.clone()
    wrong[names.index("eyeBlinkLeft")] += 0.2
    wrong[names.index("eyeWideRight")] += 0.3
    given = replace(photo, seen=replace(photo.seen, points=points), weights=wrong)
    found = with_lids(MODEL, REST, given)
    again = found.posed(REST, MODEL).double()
    lids = [SKIN_POINTS.index(point) for side in LIDS for point in side]
    away = (skin_points(MODEL.head, again) - skin_points(MODEL.head, posed))[lids].norm(dim=1)
    assert away.mean() < 0.3 * MM
    assert found.weights[names.index("jawOpen")] == true[names.index("jawOpen")]


def test_lips_part_as_far_as_their_landmarks():
    """Of somebody who smiles with teeth, whose units were found too small."""
    names = MODEL.head.unit_names
    true, timid = torch.zeros(len(names)), torch.zeros(len(names))
    for name, weight in {"mouthSmile": 0.5, "mouthUpperUp": 0.3, "mouthLowerDown": 0.2}.items():
        rows = [names.index(name + side) for side in ("Left", "Right")]
        true[rows], timid[rows] = weight, 0.3 * weight
    true[names.index("jawOpen")], true[names.index("eyeBlinkLeft")] = 0.1, 0.5
    photo = replace(fitted(shown(REST), hair=False).photos[0], weights=true)
    posed = photo.posed(REST, MODEL).double()
    points = torch.zeros(478, 2)
    points[list(SKIN_POINTS)] = project(CAMERA, skin_points(MODEL.head, posed))[0].float()
    given = replace(photo, seen=replace(photo.seen, points=points), weights=timid)
    found = with_lips(MODEL, REST, given)
    lips = [SKIN_POINTS.index(point) for point in LIPS]
    before, after = (
        (skin_points(MODEL.head, each.posed(REST, MODEL).double() - posed)[lips]).norm(dim=1)
        for each in (given, found)
    )
    assert before.mean() > 3 * MM and after.mean() < 0.8 * MM
    assert found.weights[names.index("eyeBlinkLeft")] == 0


def test_teeth_that_a_smile_hides_are_nearly_as_bright_as_those_that_it_shows():
    before = torch.linspace(-1.5, 1.0, 200)[:, None, None].expand(200, 1, 3)
    after = before.clone()
    after[:80] = 1.2  # the photo's
    seen = torch.zeros(200, 1, 3)
    seen[:80] = 50.0
    alike = 0.5 + SPHERICAL * with_hidden_teeth(before, after, seen)
    brightness = 0.5 + SPHERICAL * 1.2
    assert torch.allclose(alike[:80], torch.tensor(brightness), atol=0.02)
    assert float(alike[80:].max()) == pytest.approx(IN_SHADE * brightness, rel=0.05)
    few = torch.zeros(200, 1, 3)
    few[:5] = 50.0
    assert torch.equal(with_hidden_teeth(before, after, few), after)
