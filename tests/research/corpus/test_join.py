"""Joining recordings: phones move with the sound, pauses are silent, nothing clicks."""

import numpy as np
import pytest

from audio2mesh.data.phones import SILENCE, Phone
from research.corpus.join import cut, group, join, merge_silence, trim_silence, with_pauses
from research.corpus.recordings import Utterance

RATE = 16_000


def spoken(name: str, hertz: float, level: float, lead: float = 0.5) -> Utterance:
    """A tone of 0.4 s labelled AA with `lead` seconds of silence at each end."""
    tone = level * np.sin(2 * np.pi * hertz * np.arange(round(0.4 * RATE)) / RATE)
    quiet = np.zeros(round(lead * RATE))
    audio = np.concatenate([quiet, tone, quiet]).astype(np.float32)
    return Utterance(
        name,
        audio,
        (
            Phone(SILENCE, 0, lead),
            Phone("AA", lead, lead + 0.4),
            Phone(SILENCE, lead + 0.4, 2 * lead + 0.4),
        ),
    )


@pytest.fixture
def joined() -> Utterance:
    parts = [spoken("a", 200, 0.5), spoken("b", 300, 0.01), spoken("c", 250, 0.1)]
    return join("all", parts, np.random.default_rng(0))


def loudness(clip: Utterance, phone: Phone) -> float:
    inside = clip.audio[round((phone.start + 0.02) * RATE) : round((phone.end - 0.02) * RATE)]
    return float(np.sqrt(np.square(inside).mean()))


def test_phones_move_with_the_sound(joined):
    assert [phone.label for phone in joined.phones] == [SILENCE, "AA"] * 3 + [SILENCE]
    for phone in joined.phones:
        assert (loudness(joined, phone) > 0.02) == (phone.label == "AA")


def test_phones_fill_the_clip(joined):
    ends = [phone.end for phone in joined.phones]
    starts = [phone.start for phone in joined.phones]
    assert starts == pytest.approx([0, *ends[:-1]])
    assert ends[-1] == pytest.approx(joined.seconds)


def test_all_parts_are_equally_loud(joined):
    levels = [loudness(joined, phone) for phone in joined.phones if phone.label == "AA"]
    assert max(levels) < 1.1 * min(levels)


def test_pauses_are_natural(joined):
    for phone in joined.phones[2:-1:2]:
        assert 0.25 <= phone.end - phone.start <= 0.8 + 2 * 0.12


def test_a_background_comes_and_goes_without_a_click():
    constant = Utterance("hum", np.full(RATE, 0.1, np.float32), (Phone("AA", 0, 1),))
    clip = join("hum", [constant] * 3, np.random.default_rng(0))
    assert np.abs(np.diff(clip.audio)).max() < 0.002


def test_silence_is_trimmed_and_speech_is_not():
    part = trim_silence(spoken("a", 200, 0.5, lead=2.0))
    assert part.seconds == pytest.approx(0.4 + 2 * 0.12)
    assert [phone.label for phone in part.phones] == [SILENCE, "AA", SILENCE]
    assert part.phones[1].end - part.phones[1].start == pytest.approx(0.4)


def test_groups_hold_every_part_once_and_are_about_equally_long():
    parts = [spoken(str(i), 200, 0.1, lead=0.1 + 0.1 * (i % 7)) for i in range(60)]
    groups = group(parts, 20, np.random.default_rng(0))
    assert sorted(part.name for g in groups for part in g) == sorted(part.name for part in parts)
    lengths = [sum(part.seconds for part in g) for g in groups]
    assert len(groups) > 2 and max(lengths) < 1.3 * min(lengths)
    again = group(parts, 20, np.random.default_rng(0))
    assert [[part.name for part in g] for g in again] == [[p.name for p in g] for g in groups]


def test_cut_and_merge():
    phones = (Phone("AA", 0, 1), Phone(SILENCE, 1, 2), Phone(SILENCE, 2, 3))
    assert merge_silence(phones) == (Phone("AA", 0, 1), Phone(SILENCE, 1, 3))
    assert cut(phones, 0.5, 1.5) == (Phone("AA", 0, 0.5), Phone(SILENCE, 0.5, 1.0))


def test_energy_shows_pauses_that_the_phones_do_not():
    part = spoken("a", 200, 0.5)
    found = with_pauses((Phone("AA", 0, 0.7), Phone("M", 0.7, part.seconds)), part.audio)
    assert [phone.label for phone in found] == [SILENCE, "AA", "M", SILENCE]
    assert found[0].end == pytest.approx(0.5, abs=0.05)
    assert found[-1].start == pytest.approx(0.9, abs=0.05)


def test_a_stop_consonant_keeps_its_closure():
    quiet = np.zeros(round(0.1 * RATE), np.float32)
    tone = spoken("a", 200, 0.5, lead=0).audio
    phones = (Phone("AA", 0, 0.4), Phone("P", 0.4, 0.5), Phone("AA", 0.5, 0.9))
    assert with_pauses(phones, np.concatenate([tone, quiet, tone])) == phones
