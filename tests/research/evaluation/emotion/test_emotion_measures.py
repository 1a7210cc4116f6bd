"""What is measured of spoken emotions, on motion whose figures are known."""

import numpy as np
import pytest
import torch
from head_speech import spoken as said_by_anny

from audio2mesh.data.phones import Phone
from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.retarget.fitted_face import shipped_face
from avatar.vision.landmarks import NAMES
from research.evaluation.emotion.kept import NeutralSpeech
from research.evaluation.emotion.seen import LEVELS as SEEN_LEVELS
from research.evaluation.emotion.seen import Seen, recognised, seen_growth
from research.evaluation.emotion.spoken import (
    EXPRESSED_EMOTIONS,
    SpeakingAvatar,
    geometry,
    to_head_axes,
)
from research.evaluation.speech.recordings import Recording

FRAMES, FPS = 100, 25.0


@pytest.fixture(scope="module")
def speaker() -> SpeakingAvatar:
    return SpeakingAvatar(shipped_face(), said_by_anny()[:FRAMES], FPS)


@pytest.fixture(scope="module")
def speech() -> torch.Tensor:
    return torch.eye(FRAMES)


@pytest.fixture(scope="module")
def alone(speaker: SpeakingAvatar, speech: torch.Tensor) -> NeutralSpeech:
    """Phones that a listener would name: m where lips are shut, uw where the mouth is round."""
    motion, face = speaker.neutral(speech), geometry(speaker.face)
    found = NeutralSpeech([Recording("it", np.zeros(64_000, np.float32))], [motion], face, FPS)
    return NeutralSpeech([_named(found)], [motion], face, FPS)


def _named(alone: NeutralSpeech) -> Recording:
    from research.evaluation.speech.articulation import mouth_curves  # noqa: PLC0415

    mouth = mouth_curves(alone.motions[0], alone.face)
    shut, round = int(mouth.opening[2:98].argmin()) + 2, int(mouth.width[2:98].argmin()) + 2
    phones = [
        Phone(label, (frame - 0.2) / FPS, (frame + 1.2) / FPS)
        for label, frame in (("M", shut), ("UW", round))
    ]
    return Recording("it", np.zeros(64_000, np.float32), tuple(phones))


def test_speech_keeps_all_of_itself(alone: NeutralSpeech):
    kept = alone.kept(alone.motions)
    assert (kept.closure_mbp, kept.rounding, kept.contact_fv) == (1, 1, None)
    assert kept.largest_gap_mm is not None and kept.largest_gap_mm < kept.seen_mm
    assert kept.lse_d is None


@pytest.mark.parametrize("emotion", EXPRESSED_EMOTIONS)
def test_gates_keep_what_plain_addition_breaks(
    alone: NeutralSpeech, speaker: SpeakingAvatar, speech: torch.Tensor, emotion: str
):
    gated = alone.kept([speaker.gated(speech, emotion, 1.0)])
    plain = alone.kept([speaker.plain(speech, emotion, 1.0)])
    assert (gated.closure_mbp, gated.rounding) == (1, 1)
    assert gated.largest_gap_mm is not None and gated.largest_gap_mm < 1.05 * gated.seen_mm
    broken = {"fear": "closure_mbp", "surprise": "closure_mbp", "happy": "rounding"}
    if emotion in broken:
        assert getattr(plain, broken[emotion]) == 0


@pytest.mark.parametrize("emotion", EXPRESSED_EMOTIONS)
def test_units_grow_on_the_mesh(speaker: SpeakingAvatar, speech: torch.Tensor, emotion: str):
    """By the weights of the units that together come nearest to what the emotion adds."""
    units = torch.stack([speaker.face.head.unit(name) for name in EMOTIONS[emotion].units])
    directions = (units.float() @ to_head_axes(speaker.face)).flatten(1)  # [U, 3 V]
    motions = [speaker.neutral(speech)]
    motions += [speaker.gated(speech, emotion, level) for level in SEEN_LEVELS]
    means = torch.stack([m.coefficients.mean(0) @ m.basis.flatten(1) for m in motions])
    added = (means[1:] - means[0])[:, : directions.shape[1]]  # without the teeth behind the mesh
    amplitudes = torch.linalg.lstsq(directions.T.double(), added.T.double()).solution
    assert (amplitudes.diff(dim=1) > 0).all()


def test_emotions_are_named_by_the_nearest_prototype():
    rng = torch.Generator().manual_seed(0)

    def person(mixed: bool) -> Seen:
        scores = {(EXPRESSED_EMOTIONS[0], 0.0): 0.05 * torch.randn(8, len(NAMES), generator=rng)}
        for name in EXPRESSED_EMOTIONS:
            shape = torch.zeros(len(NAMES))
            for unit, weight in EMOTIONS["happy" if mixed else name].units.items():
                if unit in NAMES:
                    shape[NAMES.index(unit)] = weight
            for level in SEEN_LEVELS:
                noise = 0.05 * torch.randn(8, len(NAMES), generator=rng)
                scores[name, level] = level * shape + noise
        return Seen(scores, {})

    assert min(recognised([person(False), person(False)], 0.33).values()) > 0.8
    assert min(recognised([person(False)], 1.0).values()) == 1
    mixed = recognised([person(True), person(False)], 1.0)
    assert sum(mixed.values()) / len(mixed) < 0.7
    assert min(seen_growth(person(False), "surprise").values()) == 1
