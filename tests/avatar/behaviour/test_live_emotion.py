"""Emotions on speech that is still going on."""

import numpy as np
import torch

from audio2mesh import load_model
from audio2mesh.model.live import LiveMotion
from avatar.behaviour.emotion_face import SHUT, LiveEmotion, spoken
from avatar.behaviour.emotion_mouth import Mouth
from avatar.behaviour.emotion_timeline import parse_emotions
from avatar.drive.emotion import joined, with_emotion
from avatar.drive.motion import Curves
from avatar.retarget.fitted_face import shipped_face


def test_as_live_as_the_speech_and_the_same_as_offline(voice: np.ndarray):
    model, face = load_model(None, torch.device("cpu")), shipped_face()
    speech, emotions = LiveMotion(model), parse_emotions("happy:0.6,fear:0.5")
    live = LiveEmotion(face, model.basis, emotions, 25.0)
    said, mouths, lids = [], [], []
    for start in range(0, 48_000, 1600):
        chunk = speech.push(voice[start : start + 1600])
        mouth, units = live.push(chunk)
        assert len(mouth) == len(chunk) == len(units["eyeWideLeft"])  # none is held back
        said.append(chunk)
        mouths.append(mouth)
        lids.append(units["eyeWideLeft"])
    alone = torch.cat(said)
    names = tuple(map(str, range(len(model.basis))))
    curves, units = with_emotion(
        face, Curves(names, model.basis, lambda: iter([alone])), {}, emotions, 25.0
    )
    assert torch.allclose(torch.cat(mouths), torch.cat(list(curves.coefficients())), atol=1e-5)
    assert torch.equal(torch.cat(lids), units["eyeWideLeft"])
    _lips_stay_shut(face, model.basis, alone, curves)


def _lips_stay_shut(face, basis, alone, curves) -> None:
    mouth = Mouth(face)
    before = spoken(mouth, mouth.lines((alone @ basis.flatten(1)).unflatten(1, (-1, 3))))
    offsets = torch.cat(list(curves.coefficients())) @ curves.basis.flatten(1)
    after = spoken(mouth, mouth.lines(offsets.unflatten(1, (-1, 3))))
    shut = before.gap < SHUT * mouth.width
    assert shut.sum() > 5
    assert after.gap[shut].max() <= SHUT * mouth.width + 2e-5


def test_a_blink_shuts_wide_lids():
    felt = {"eyeWideLeft": torch.ones(3), "browInnerUp": torch.full((3,), 0.7)}
    beside = {"eyeBlinkLeft": torch.tensor([0, 0.5, 1]), "browInnerUp": torch.full((3,), 0.5)}
    units = joined(felt, beside)
    assert units["eyeWideLeft"].tolist() == [1, 0.5, 0]
    assert units["browInnerUp"].tolist() == [1, 1, 1]
    assert units["eyeBlinkLeft"] is beside["eyeBlinkLeft"]
