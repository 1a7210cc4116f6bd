"""Lips go on speaking whatever is felt: laws of the gates, on several topologies."""

from functools import cache

import pytest
import torch
from flame_geometry import anny_rest, flame_faces
from head_meshes import decimated, whole_head
from head_meshes import moved as placed
from head_speech import spoken as said_by_anny
from torch import Tensor

from avatar.drive.feelings import with_feelings
from avatar.drive.motion import Curves
from avatar.drive.retarget import carrier
from avatar.face.emotion.course import express
from avatar.face.emotion.felt_face import FeltSpeech
from avatar.face.emotion.gates import (
    CLOSES,
    CONTACT,
    REOPENS,
    ROUND,
    SHUT,
    Spoken,
    smoothed,
    spoken,
)
from avatar.face.emotion.mouth import Mouth
from avatar.face.emotion.presets import EMOTIONS
from avatar.face.emotion.timeline import parse_feelings
from avatar.heads.topologies import ANY_MESH, FLAME
from avatar.mesh import Mesh
from avatar.transfer.fitted_face import Face, face_of, shipped_face

FPS, FRAMES = 25.0, 100
FELT = [name for name in EMOTIONS if name != "neutral"]
FACES = ("anny-head", "flame", "mesh")


@cache
def face(topology: str) -> Face:
    """The mesh of no known topology is turned, elsewhere, and in millimetres."""
    if topology == "flame":
        rest, faces = torch.from_numpy(anny_rest()).float(), torch.from_numpy(flame_faces())
        return face_of(Mesh(rest, faces.long()), FLAME)
    if topology == "mesh":
        return face_of(placed(decimated(whole_head(), 0.6), 1000.0, 25.0, (9, 8, 7)).mesh, ANY_MESH)
    return shipped_face()


@cache
def speech(topology: str) -> Tensor:
    """Offsets [F, V, 3] of the demo voice."""
    carry = carrier(shipped_face(), face(topology))
    return carry(said_by_anny()[:FRAMES]).float()


@cache
def felt_speech(topology: str, words: str) -> Tensor:
    """The same with a feeling, from the curves: every frame of speech is a direction of its own."""
    expressed, own = express(parse_feelings(words), FRAMES, FPS), speech(topology)
    mouth = FeltSpeech(face(topology), own, list(expressed.units), FPS)
    return (
        mouth.frames(torch.eye(FRAMES), expressed) @ torch.cat([own, mouth.basis]).flatten(1)
    ).unflatten(1, (-1, 3))


def plainly_added(topology: str, words: str) -> Tensor:
    expressed = express(parse_feelings(words), FRAMES, FPS)
    units = torch.stack([face(topology).head.unit(name) for name in expressed.units]).float()
    weights = torch.stack(list(expressed.units.values()), 1)
    return speech(topology) + (weights @ units.flatten(1)).unflatten(1, (-1, 3))


def seen(topology: str, offsets: Tensor) -> Spoken:
    mouth = Mouth(face(topology))
    return spoken(mouth, mouth.lines(offsets))


@pytest.mark.parametrize("words", FELT)
@pytest.mark.parametrize("topology", FACES)
def test_shut_lips_stay_shut_the_lower_lip_at_the_teeth_and_the_mouth_round(
    topology: str, words: str
):
    alone, felt = seen(topology, speech(topology)), seen(topology, felt_speech(topology, words))
    limit = SHUT * Mouth(face(topology)).width
    shut, round = alone.gap < limit, alone.width < ROUND
    at_teeth = (alone.teeth < CONTACT) & (alone.gap > 3 * limit)
    assert shut.sum() >= 10 <= round.sum()
    assert felt.gap[shut].max() <= limit + 2e-5
    assert felt.width[round].max() <= 0.96
    assert at_teeth.sum() == 0 or felt.teeth[at_teeth].max() < 0.65


@pytest.mark.parametrize("topology", FACES)
def test_plain_addition_breaks_them(topology: str):
    alone, limit = seen(topology, speech(topology)), SHUT * Mouth(face(topology)).width
    shut, round = alone.gap < limit, alone.width < ROUND
    for words in ("fear", "disgust", "surprise", "angry"):
        assert seen(topology, plainly_added(topology, words)).gap[shut].max() > 2 * limit
    for words in ("happy", "fear", "contempt"):
        assert seen(topology, plainly_added(topology, words)).width[round].max() > 0.98


@pytest.mark.parametrize("words", FELT)
def test_lips_do_not_pass_through_each_other(words: str):
    mouth = Mouth(face("anny-head"))
    alone, felt = (
        mouth.lines(offsets).parting.amin(1)
        for offsets in (speech("anny-head"), felt_speech("anny-head", words))
    )
    assert (felt - alone.clamp(max=0)).min() > -0.01 * mouth.width


@pytest.mark.parametrize("words", ["surprise", "fear", "happy"])
def test_an_open_mouth_shows_the_feeling_in_full(words: str):
    anny = face("anny-head")
    wide = anny.head.express({"jawOpen": 0.5, "mouthStretchLeft": 0.9, "mouthStretchRight": 0.9})
    expressed = express(parse_feelings(words), 3, FPS)
    mouth = FeltSpeech(anny, wide[None], list(expressed.units), FPS)
    made = mouth.frames(torch.ones(3, 1), expressed)
    asked = torch.stack([expressed.units[name] for name in mouth.units.names], 1)
    asked = asked[:, mouth.units.of]
    assert (made[:, 1:-3] / asked).amin() > 0.98
    assert not made[:, -3:].any()
    assert made[:, 0] == pytest.approx(expressed.speech)


def test_chunks_do_not_matter():
    own, feelings = speech("anny-head"), parse_feelings("happy:0.6,fear")
    names = tuple(map(str, range(FRAMES)))

    def felt(sizes: list[int]) -> Tensor:
        said = Curves(names, own, lambda: iter(torch.eye(FRAMES).split(sizes)))
        curves, _ = with_feelings(face("anny-head"), said, {}, feelings, FPS)
        made = list(curves.coefficients())
        assert [len(each) for each in made] == sizes
        return torch.cat(made)

    assert torch.allclose(felt([5, 0, 1, 34, 60]), felt([FRAMES]), atol=1e-5)
    assert torch.allclose(felt([2] * 50), felt([FRAMES]), atol=1e-5)


def test_no_feeling_is_no_change():
    own, expressed = speech("anny-head"), express(parse_feelings("neutral"), FRAMES, FPS)
    mouth = FeltSpeech(face("anny-head"), own, list(expressed.units), FPS)
    made = mouth.frames(torch.eye(FRAMES), expressed)
    assert torch.equal(made[:, :FRAMES], torch.eye(FRAMES))
    assert not made[:, FRAMES:].any()


def test_gates_are_never_wider_than_asked_and_change_slowly():
    share = torch.rand(60, generator=torch.Generator().manual_seed(0))
    slow = smoothed(share, None, FPS)
    assert (slow <= share + 1e-6).all()
    assert slow.diff().max() <= REOPENS / FPS + 1e-6
    assert slow.diff().min() >= -CLOSES / FPS - 1e-6
    assert (smoothed(slow, None, FPS) - slow).abs().max() < 1e-6


def test_gates_are_smoothed_as_by_hand():
    share = torch.tensor([1.0, 1, 0.2, 1, 1, 1, 0, 0.1])
    by_hand = share.tolist()
    for k in reversed(range(len(by_hand) - 1)):
        by_hand[k] = min(by_hand[k], by_hand[k + 1] + CLOSES / 30)
    for k in range(1, len(by_hand)):
        by_hand[k] = min(by_hand[k], by_hand[k - 1] + REOPENS / 30)
    assert smoothed(share, None, 30.0) == pytest.approx(torch.tensor(by_hand), abs=1e-6)
    after = smoothed(share[3:], torch.tensor(0.2), 30.0)
    assert after[0] == pytest.approx(min(0.2 + REOPENS / 30, by_hand[3]), abs=1e-6)
