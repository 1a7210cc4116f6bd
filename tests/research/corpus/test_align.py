"""Forced alignment on the demo voice, and what gives a wrong text away."""

from dataclasses import replace

import numpy as np
import pytest
from support import ROOT

from audio2mesh import load_audio
from audio2mesh.data.phones import SILENCE
from research.corpus.align import Alignment, align, implausible, pronounceable

TEXT = (
    "and so my fellow americans ask not what your country can do for you"
    " ask what you can do for your country"
)


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return load_audio(ROOT / "assets" / "demo_voice.flac")


@pytest.fixture(scope="module")
def alignment(voice) -> Alignment:
    found = align(voice, TEXT)
    assert found is not None
    return found


def test_phones_fill_the_recording_without_gaps(alignment, voice):
    assert alignment.phones[0].start == 0
    assert alignment.phones[-1].end == pytest.approx(len(voice) / 16_000)
    for before, after in zip(alignment.phones, alignment.phones[1:], strict=False):
        assert before.end == after.start and before.end > before.start


def test_closures_are_where_the_lips_close(alignment):
    """Known times of the two m: in "my" and in "Americans"."""
    first, second = [phone for phone in alignment.phones if phone.label == "M"]
    assert first.start < 1.01 and first.end > 0.99
    assert second.start < 1.74 and second.end > 1.70


def test_the_speaker_pauses_after_the_address(alignment):
    silent = [phone for phone in alignment.phones if phone.label == SILENCE]
    assert any(phone.start < 2.5 and phone.end > 3.0 for phone in silent)
    assert any(phone.start < 4.7 and phone.end > 5.1 for phone in silent)


def test_a_right_text_is_plausible_and_a_wrong_one_is_not(alignment, voice):
    assert implausible(alignment) is None
    wrong = align(voice[: 3 * 16_000], "the quick brown fox jumps over the lazy dog")
    assert wrong is None or implausible(wrong)


def test_signs_of_a_wrong_text(alignment):
    assert implausible(replace(alignment, scores=tuple(s - 40 for s in alignment.scores)))
    squeezed = tuple(
        replace(phone, start=phone.start / 8, end=phone.end / 8) for phone in alignment.phones
    )
    assert implausible(replace(alignment, phones=squeezed))
    stretched = tuple(
        replace(phone, start=phone.start * 6, end=phone.end * 6) for phone in alignment.phones
    )
    assert implausible(replace(alignment, phones=stretched))


def test_words_without_a_pronunciation(voice):
    assert pronounceable("the touchtone keypad") == ["the", "touch", "tone", "keypad"]
    assert pronounceable("call digium") is None
    assert align(voice, "call digium") is None


def test_no_sound_to_speak_of():
    assert align(np.zeros(400, np.float32), "hello") is None
