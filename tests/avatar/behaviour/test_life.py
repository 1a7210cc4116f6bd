"""The life of a face that speaks."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_prosody import talking

from audio2mesh.prosody.record import Prosody
from avatar.behaviour.gaze import Gaze
from avatar.behaviour.motion import COLUMNS, LOOKAHEAD, Behaviour, LifeMaker
from avatar.behaviour.performance import LOOKAHEAD as LIVE_LOOKAHEAD
from avatar.behaviour.speech_events import in_parts, silence
from avatar.behaviour.style import READER, SPEAKER, STYLES, scaled

VOICE, LONG = talking(60), talking(240, seed=1)


def lived(
    behaviour: Behaviour,
    lookahead: float = LOOKAHEAD,
    frames: int = 1000,
    voice: Prosody = VOICE,
) -> np.ndarray:
    """Rows [F, 7] of a voice, heard so many frames at a time."""
    maker = LifeMaker(behaviour, lookahead)
    rows = [maker.hear(piece) for piece in in_parts(voice, frames)]
    return np.concatenate([*rows, maker.finish()])


def speed(rows: np.ndarray) -> np.ndarray:
    """Degrees a second [F] at which the head turns."""
    return np.linalg.norm(np.gradient(rows[:, :3], axis=0), axis=1) * 100


def long_pauses(voice: Prosody) -> np.ndarray:
    """[F] frames in pauses of half a second and longer, but for their first and last 0.25 s."""
    ends = [p.end for p in voice.phrases[:-1]]
    starts = [p.start for p in voice.phrases[1:]]
    inside = np.zeros(len(voice), bool)
    for end, start in zip(ends, starts, strict=True):
        if start - end >= 0.6:
            inside[round(100 * end) + 25 : round(100 * start) - 25] = True
    return inside


def test_the_same_take_repeats_bit_for_bit_however_the_voice_is_cut_up():
    first = lived(Behaviour(take=3))
    assert first.shape == (len(VOICE), COLUMNS)
    assert np.array_equal(first, lived(Behaviour(take=3), frames=37))
    assert np.array_equal(first, lived(Behaviour(take=3), frames=1))


def test_another_take_is_another_one_of_the_same():
    one, other = lived(Behaviour(take=0)), lived(Behaviour(take=1))
    alike = [np.corrcoef(one[:, angle], other[:, angle])[0, 1] for angle in range(3)]
    assert np.abs(alike).max() < 0.3
    blinks = [
        set(np.flatnonzero(np.diff((rows[:, 5] > 0.5).astype(int)) == 1)) for rows in (one, other)
    ]
    assert len(blinks[0] & blinks[1]) < 5 < min(map(len, blinks))
    assert one[:, :3].std(0) == pytest.approx(other[:, :3].std(0), rel=0.2)
    paces = [np.median(speed(rows)[VOICE.speaking]) for rows in (one, other)]
    assert paces[0] == pytest.approx(paces[1], rel=0.15)


@pytest.mark.parametrize("lookahead", [LOOKAHEAD, LIVE_LOOKAHEAD], ids=["recording", "live"])
def test_live_and_recorded_lives_have_the_same_statistics(lookahead: float):
    rows = lived(Behaviour(), lookahead, voice=LONG)
    moves = speed(rows)
    assert 6 < np.median(moves[LONG.speaking]) < 13
    assert np.mean(moves[long_pauses(LONG)] > 1) < 0.35
    blinks = np.count_nonzero(np.diff((rows[:, 5] > 0.5).astype(int)) == 1)
    assert 70 < blinks < 130
    raises = np.count_nonzero(np.diff((rows[:, 6] > 0.05).astype(int)) == 1)
    assert 10 < raises < 40


def test_the_head_follows_the_melody_up_and_down():
    style = replace(READER, pose_degrees=(0, 0, 0), wander_degrees=(0, 0, 0), nodding=0)
    pitch = lived(Behaviour(style, gaze=Gaze(free=False)))[:, 1]
    melody = np.nan_to_num(VOICE.pitch)
    told = [
        np.corrcoef(pitch[part], melody[part])[0, 1]
        for part in (slice(round(100 * p.start), round(100 * p.end)) for p in VOICE.phrases)
    ]
    assert np.median(told) > 0.6


def test_heads_mostly_set_out_before_the_voice():
    style = replace(SPEAKER, pitch_gain=(0, 0, 0), wander_degrees=(0, 0, 0), nodding=0)
    moves = speed(lived(Behaviour(style, gaze=Gaze(free=False))))
    onsets = [round(100 * p.start) for p in VOICE.phrases[1:]]
    ahead = np.mean([moves[onset - 4] > 0.5 for onset in onsets])
    assert 0.6 < ahead < 0.95


def test_silence_keeps_head_and_brows_still_and_the_eyes_alive():
    maker = LifeMaker(Behaviour())
    rows = np.concatenate([maker.hear(silence(6000)), maker.finish()])
    assert len(rows) == 6000
    assert np.mean(speed(rows) > 1) < 0.1 and not rows[:, 6].any()
    assert np.ptp(rows[:, 3]) > 3
    assert 10 < np.count_nonzero(np.diff((rows[:, 5] > 0.5).astype(int)) == 1) < 35


def test_the_amount_scales_the_head_and_nothing_else():
    usual, twice, none = (lived(Behaviour(head=head, gaze=Gaze(free=False))) for head in (1, 2, 0))
    assert np.allclose(twice[:, :3], 2 * usual[:, :3])
    assert not none[:, :3].any()
    assert np.array_equal(twice[:, 3:], usual[:, 3:])


def test_styles_differ_as_people_do():
    ahead = Gaze(free=False)
    rows = {name: lived(Behaviour(style, gaze=ahead)) for name, style in STYLES.items()}
    spread = {style: found[:, :3].std(0) for style, found in rows.items()}
    assert spread["reader"][1] > 1.5 * spread["reader"][0]  # pitch, yaw
    assert spread["speaker"][0] > 1.5 * spread["reader"][0]
    assert np.linalg.norm(spread["lively"]) > 1.2 * np.linalg.norm(spread["speaker"])


def test_a_scaled_manner_moves_more():
    styles = [scaled(SPEAKER, head=k, brows=k, blinks=k) for k in (1.0, 2.0)]
    usual, more = (lived(Behaviour(style), voice=LONG) for style in styles)
    assert np.allclose(speed(more).mean() / speed(usual).mean(), 2, rtol=0.2)
    assert more[:, 5].mean() > 1.5 * usual[:, 5].mean()
    assert more[:, 6].mean() > 1.2 * usual[:, 6].mean()
