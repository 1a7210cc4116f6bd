"""Streaming: the same however the sound is cut, in time, and for any sound."""

import numpy as np
import pytest
from voices import glides, sing, utterance

from audio2mesh.prosody.listener import ProsodyListener, prosody_of
from audio2mesh.prosody.record import PER_FRAME, Prosody, joined

RATE = 16_000


def speech(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sound, *_ = utterance([5, 8, 3], [1, 6, 10], rng)
    return (sound + 0.001 * rng.standard_normal(len(sound))).astype(np.float32)


def in_pieces(sound: np.ndarray, sizes: list[int]) -> Prosody:
    listener, cuts = ProsodyListener(), np.cumsum(sizes)
    pieces = [listener.push(part) for part in np.split(sound, cuts[cuts < len(sound)])]
    return joined([*pieces, listener.finish()])


def assert_same(a: Prosody, b: Prosody) -> None:
    for name in PER_FRAME:
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name != "speaking"), (
            name
        )
    assert a.phrases == b.phrases and a.accents == b.accents


@pytest.mark.parametrize("size", [1, 37, 160, 1000, 16_384])
def test_cuts_do_not_change_the_result(size: int):
    sound = speech()[: 2 * RATE if size == 1 else None]
    assert_same(in_pieces(sound, [size] * (len(sound) // size + 1)), prosody_of(sound))


def test_empty_pushes_do_not_change_the_result():
    sound = speech()
    assert_same(in_pieces(sound, [0, 0, 500, 0, 16_000, 0]), prosody_of(sound))


def test_a_frame_is_final_after_the_latency():
    listener, given = ProsodyListener(), 0
    assert listener.latency <= 0.25
    for i, part in enumerate(np.split(speech(), range(80, 3 * RATE, 80))):
        given += len(listener.push(part))
        assert given >= int(((i + 1) * 80 / RATE - listener.latency) * 100 + 1e-9)


def test_a_phrase_start_is_seen_at_once():
    """In `speaking`, before 0.3 s of the phrase were heard."""
    sound, spans, _ = utterance([8], [2], np.random.default_rng(1))
    listener = ProsodyListener()
    heard = listener.push(sound[: int((spans[0][0] + 0.3) * RATE)])
    assert heard.speaking.any()
    assert np.argmax(heard.speaking) / 100 == pytest.approx(spans[0][0], abs=0.04)


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161, 1600, 16_000])
def test_every_frame_comes_once(samples: int):
    found = prosody_of(np.zeros(samples, np.float32))
    assert {len(getattr(found, name)) for name in PER_FRAME} == {-(-samples // 160)}
    assert not found.speaking.any() and (found.energy == -60).all()
    assert found.phrases == () and found.accents == ()


def click() -> np.ndarray:
    sound = np.zeros(RATE)
    sound[8000] = 1.0
    return sound


STRANGE = {
    "a click": click(),
    "a constant": np.full(RATE, 0.7),
    "full scale": np.sign(np.random.default_rng(0).standard_normal(RATE)),
    "faint noise": 1e-6 * np.random.default_rng(0).standard_normal(RATE),
}


@pytest.mark.parametrize("name", STRANGE)
def test_no_voice_in(name: str):
    found = prosody_of(STRANGE[name])
    assert not found.speaking.any() and np.isnan(found.pitch).all()
    assert np.isfinite(found.energy).all()


def test_clipping_and_an_offset_do_not_hide_the_pitch():
    f0 = glides(5, np.random.default_rng(0))
    sound = sing(f0, 6, np.random.default_rng(0))
    plain = prosody_of(sound)
    bad = prosody_of(np.clip(8 * sound, -0.5, 0.5) + 0.4)
    both = ~np.isnan(plain.f0) & ~np.isnan(bad.f0)
    assert both.sum() > 0.95 * (~np.isnan(plain.f0)).sum()
    assert np.mean(np.abs(np.log2(bad.f0[both] / plain.f0[both])) > 0.1) < 0.01


def test_loudness_of_the_recording_does_not_matter():
    loud, faint = prosody_of(speech()), prosody_of(0.1 * speech())
    assert np.mean(loud.speaking == faint.speaking) > 0.99
    heard = loud.speaking & faint.speaking
    assert np.abs(loud.energy - faint.energy)[heard].max() < 1.0


def test_loud_speech_is_about_0_db():
    energy = prosody_of(speech()).energy
    assert -6 < np.percentile(energy, 95) < 6
