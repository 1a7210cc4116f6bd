"""What a face answers to in a voice."""

import numpy as np
import pytest
from made_up_prosody import talking

from avatar.behaviour.speech_events import (
    REST_SECONDS,
    SpeechEvent,
    SpeechEvents,
    in_parts,
    part,
    silence,
)

VOICE = talking(30)


def heard(frames: int, accent_seconds: float = 0.36) -> list[tuple[int, SpeechEvent]]:
    """Cues with the frame at which each is known, of the voice and three seconds of silence."""
    cues = SpeechEvents(accent_seconds)
    pieces = [*in_parts(VOICE, frames), silence(300)]
    told = [cue for piece in pieces for cue in cues.hear(piece)]
    return [(frame, cue) for frame, found in enumerate(told) for cue in found]


def test_every_phrase_has_an_onset_and_an_end():
    times = {kind: [c.time for _, c in heard(50) if c.kind == kind] for kind in ("onset", "end")}
    assert np.allclose(times["onset"], [p.start for p in VOICE.phrases])
    assert np.allclose(times["end"], [p.end for p in VOICE.phrases])


def test_a_long_silence_is_a_rest_and_a_pause_is_none():
    ((frame, rest),) = [(frame, cue) for frame, cue in heard(50) if cue.kind == "rest"]
    assert rest.time == pytest.approx(VOICE.phrases[-1].end)
    assert frame / 100 == pytest.approx(rest.time + REST_SECONDS)


def test_accents_come_when_they_are_sure():
    found = [(frame, cue) for frame, cue in heard(50) if cue.kind == "accent"]
    assert [cue.time for _, cue in found] == [accent.time for accent in VOICE.accents]
    assert all(abs(frame / 100 - cue.time - 0.365) < 0.011 for frame, cue in found)


def test_how_the_voice_is_cut_up_does_not_matter():
    assert heard(1) == heard(7) == heard(10_000)


def test_a_part_has_its_own_frames_and_accents():
    piece = part(VOICE, slice(200, 700))
    assert np.array_equal(piece.speaking, VOICE.speaking[200:700])
    assert piece.accents == tuple(a for a in VOICE.accents if 2 <= a.time < 7)
