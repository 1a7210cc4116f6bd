"""Synthetic voices: symbols to ARPAbet, and the programs where they are installed."""

import numpy as np
import pytest

from audio2mesh.data.phones import SILENCE, Phone
from research.corpus.synthetic import VOICES, available_voices, phones_from_ends, speak


def test_symbols_become_arpabet():
    ends = [("pau", 0.2), ("ax", 0.3), ("m", 0.3), ("ER", 0.45), ("h#", 0.6)]
    assert phones_from_ends(ends, 0.7) == (
        Phone(SILENCE, 0.0, 0.2),
        Phone("AH", 0.2, 0.3),
        Phone("ER", 0.3, 0.45),
        Phone(SILENCE, 0.45, 0.7),
    )


def test_an_unknown_symbol_is_named():
    with pytest.raises(ValueError, match="'qq'"):
        phones_from_ends([("qq", 0.1)], 0.1)


@pytest.fixture(scope="module")
def installed():
    return available_voices()


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.name)
def test_a_voice_says_what_it_is_told_with_exact_times(voice, installed):
    if voice not in installed:
        pytest.skip(f"{voice.program} with its voice {voice.program_voice} is not installed")
    spoken = speak(voice, "s", "say sass")
    labels = [phone.label for phone in spoken.phones]
    assert [label for label in labels if label != SILENCE] == ["S", "EY", "S", "AE", "S"]
    assert spoken.phones[-1].end == pytest.approx(spoken.seconds)
    hiss = {"S": [], "EY": [], "AE": []}
    for phone in spoken.phones:
        if phone.label in hiss:
            inside = spoken.audio[round(phone.start * 16_000) : round(phone.end * 16_000)]
            hiss[phone.label].append(np.abs(np.diff(inside)).mean() / np.abs(inside).mean())
    assert min(hiss["S"]) > max(hiss["EY"] + hiss["AE"])
