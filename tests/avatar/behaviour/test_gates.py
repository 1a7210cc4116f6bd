"""Lips go on speaking whatever is felt: laws of the gates, on several topologies."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from flame_geometry import anny_rest, flame_faces
from head_meshes import decimated, whole_head
from head_meshes import moved as placed
from head_speech import spoken as said_by_anny
from torch import Tensor

from avatar.behaviour.emotion_face import (
    CONTACT,
    ROUND,
    SHUT,
    EmotionalSpeech,
    Spoken,
    express,
    reopened_slowly,
    spoken,
)
from avatar.behaviour.emotion_mouth import Mouth
from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.behaviour.emotion_timeline import parse_emotions
from avatar.drive.retarget import mesh_transfer
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.head import ANY_MESH, FLAME
from avatar.retarget.fitted_face import Face, face_of, shipped_face

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
    carry = mesh_transfer(shipped_face(), face(topology))
    return carry(said_by_anny()[:FRAMES]).float()


@cache
def felt_speech(topology: str, words: str) -> Tensor:
    """The same with an emotion, from the curves: every frame of speech is a direction of its
    own."""
    expressed, own = express(parse_emotions(words), FRAMES, FPS), speech(topology)
    mouth = EmotionalSpeech(face(topology), own, list(expressed.units), FPS)
    return (
        mouth.frames(torch.eye(FRAMES), expressed) @ torch.cat([own, mouth.basis]).flatten(1)
    ).unflatten(1, (-1, 3))


def plainly_added(topology: str, words: str) -> Tensor:
    expressed = express(parse_emotions(words), FRAMES, FPS)
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
    assert felt.width[round].max() <= 0.965
    assert at_teeth.sum() == 0 or felt.teeth[at_teeth].max() < 0.65


@pytest.mark.parametrize("words", FELT)
def test_corners_of_the_mouth_do_not_flicker(words: str):
    alone, felt = (
        seen("anny-head", offsets).width.diff(n=2).square().mean().sqrt()
        for offsets in (speech("anny-head"), felt_speech("anny-head", words))
    )
    assert felt < 1.4 * alone


@pytest.mark.parametrize("words", ["happy", "sad", "disgust"])
def test_the_lower_lip_is_held_only_as_far_as_it_must(words: str):
    own, expressed = speech("anny-head"), express(parse_emotions(words), FRAMES, FPS)
    mouth = EmotionalSpeech(face("anny-head"), own, list(expressed.units), FPS)
    made = mouth.frames(torch.eye(FRAMES), expressed)
    made_free = torch.cat([made[:, :-3], torch.zeros(FRAMES, 3)], 1)
    joint = torch.cat([own, mouth.basis]).flatten(1)
    there = seen("anny-head", (made_free @ joint).unflatten(1, (-1, 3)))
    needless = there.teeth < seen("anny-head", own).teeth.clamp(min=CONTACT)
    assert needless.sum() >= 8
    assert made[needless, -3:].abs().max() == 0


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
def test_an_open_mouth_shows_the_emotion_in_full(words: str):
    anny = face("anny-head")
    wide = anny.head.express({"jawOpen": 0.5, "mouthStretchLeft": 0.9, "mouthStretchRight": 0.9})
    expressed = express(parse_emotions(words), 3, FPS)
    mouth = EmotionalSpeech(anny, wide[None], list(expressed.units), FPS)
    made = mouth.frames(torch.ones(3, 1), expressed)
    asked = torch.stack([expressed.units[name] for name in mouth.units.names], 1)
    asked = asked[:, mouth.units.of]
    assert (made[:, 1:-3] / asked).amin() > 0.98
    assert not made[:, -3:].any()
    assert made[:, 0] == pytest.approx(expressed.speech)


def test_a_unit_that_opens_and_widens_is_held_by_both_gates():
    anny = face("anny-head")
    names, both = (
        list(anny.head.unit_names),
        [f"mouth{x}{s}" for x in ("Smile", "UpperUp") for s in ("Left", "Right")],
    )
    units = anny.head.units.clone()
    units[names.index("mouthSmileLeft")] += sum(anny.head.unit(name) for name in both)
    grin = replace(anny, head=replace(anny.head, units=units))
    expressed, own = express(parse_emotions("happy"), FRAMES, FPS), speech("anny-head")
    mouth = EmotionalSpeech(grin, own, list(expressed.units), FPS)
    joint = torch.cat([own, mouth.basis]).flatten(1)
    moved = (mouth.frames(torch.eye(FRAMES), expressed) @ joint).unflatten(1, (-1, 3))
    alone, felt = seen("anny-head", own), seen("anny-head", moved)
    limit = SHUT * Mouth(anny).width
    assert felt.gap[alone.gap < limit].max() <= limit + 2e-5
    assert felt.width[alone.width < ROUND].max() <= 0.96


def test_chunks_do_not_matter():
    own, emotions = speech("anny-head"), parse_emotions("happy:0.6,fear")
    expressed = express(emotions, FRAMES, FPS)
    wanted = list(expressed.units)
    whole = EmotionalSpeech(face("anny-head"), own, wanted, FPS).frames(
        torch.eye(FRAMES), expressed
    )
    bit_by_bit, made = EmotionalSpeech(face("anny-head"), own, wanted, FPS), []
    for start, stop in ((0, 5), (5, 5), (5, 6), (6, 40), (40, FRAMES)):
        part = express(emotions, stop - start, FPS, first=start)
        made.append(bit_by_bit.frames(torch.eye(FRAMES)[start:stop], part))
    assert torch.allclose(torch.cat(made), whole, atol=1e-5)


def test_no_emotion_is_no_change():
    own, expressed = speech("anny-head"), express(parse_emotions("neutral"), FRAMES, FPS)
    mouth = EmotionalSpeech(face("anny-head"), own, list(expressed.units), FPS)
    made = mouth.frames(torch.eye(FRAMES), expressed)
    assert torch.equal(made[:, :FRAMES], torch.eye(FRAMES))
    assert not made[:, FRAMES:].any()


def test_gates_close_at_once_and_open_slowly():
    share = torch.tensor([1.0, 0.2, 1, 1, 1, 1, 0, 0.1])
    slow = reopened_slowly(share, None, 30.0)
    by_hand, level = [], 1.0
    for value in share.tolist():
        level = min(value, level + 0.2)
        by_hand.append(level)
    assert slow == pytest.approx(torch.tensor(by_hand), abs=1e-6)
    halves = [reopened_slowly(share[:3], None, 30.0)]
    halves.append(reopened_slowly(share[3:], halves[0][-1], 30.0))
    assert torch.cat(halves) == pytest.approx(slow, abs=1e-6)
