"""The core of a conversation: timed frames, turns, and a mouth that shuts when it is told to."""

import resource
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from speech_models import syllables

from audio2mesh import load_model
from audio2mesh.model.live import LiveMotion
from audio2mesh.sound.waveform import frame_count
from avatar.behaviour.emotion_timeline import parse_emotions
from avatar.live.session import SHUT_SECONDS, Frames, Session
from avatar.live.speaker import POSE, Speaker

SOUND = syllables(3.3)[0]


def said(session: Session, sound: np.ndarray, block: int = 640) -> list[Frames]:
    pieces = [session.push(sound[i : i + block]) for i in range(0, len(sound), block)]
    return [piece for piece in pieces if len(piece)]


def rows(frames: list[Frames]) -> np.ndarray:
    return np.concatenate([piece.rows for piece in frames])


@pytest.mark.parametrize("block", [161, 5003, 200_000])
def test_how_sound_is_cut_up_does_not_matter(speaker: Speaker, block: int):
    first, other = Session(speaker), Session(speaker)
    steady = [*said(first, SOUND), first.finish()]
    odd = [*said(other, SOUND, block), other.finish()]
    assert np.allclose(rows(steady), rows(odd), atol=1e-5)
    assert len(rows(steady)) == frame_count(len(SOUND), 25)


def test_times_are_samples_without_a_gap(speaker: Speaker):
    session = Session(speaker)
    frames = [*said(session, SOUND), session.finish()]
    assert [piece.turn for piece in frames] == [0] * len(frames)
    ends = np.cumsum([0, *map(len, frames)]) * 640
    assert [piece.sample for piece in frames] == ends[:-1].tolist()


def test_rows_are_the_live_motion_and_lives_pose(speaker: Speaker):
    motion = LiveMotion(speaker.model)
    expected = torch.cat([motion.push(SOUND), motion.finish()])
    session = Session(speaker)
    found = rows([session.push(SOUND), session.finish()])
    assert found.shape[1] == len(speaker.names) + POSE
    assert np.allclose(found[5:, : len(speaker.basis)], expected[5:].numpy(), atol=1e-6)
    assert np.allclose(np.linalg.norm(found[:, -POSE : -POSE + 4], axis=1), 1, atol=1e-5)
    assert found[:, -POSE : -POSE + 3].std(0).max() > 1e-3


def test_no_frame_is_later_than_the_latency(speaker: Speaker):
    session, heard = Session(speaker), 0
    assert session.latency <= 0.41
    for i in range(0, len(SOUND), 160):
        frames = session.push(SOUND[i : i + 160])
        heard = min(i + 160, len(SOUND))
        if len(frames):
            assert heard - frames.sample <= session.latency * 16_000


def test_an_interrupted_mouth_is_shut_in_time_and_stays_continuous(speaker: Speaker):
    session, mouth = Session(speaker), len(speaker.mouth_names)
    before = rows(said(session, SOUND))
    at = 50
    frames = session.interrupt(0, at * 640)
    assert frames.turn == 1 and frames.sample == -640 * len(frames)
    assert len(frames) / 25 <= SHUT_SECONDS
    shown = before[at]
    assert np.abs(shown[:mouth]).max() > 0.1 and not frames.rows[-1, :mouth].any()
    sizes = np.abs(frames.rows[:, :mouth]).max(1)
    assert (np.diff([np.abs(shown[:mouth]).max(), *sizes]) < 0).all()
    assert np.array_equal(frames.rows[:, mouth:], np.tile(shown[mouth:], (len(frames), 1)))
    after = rows(said(session, SOUND[:32_000]))
    steps = np.abs(np.diff(np.concatenate([frames.rows[-1:], after])[:, mouth:], axis=0)).max(1)
    usual = np.abs(np.diff(before[:, mouth:], axis=0)).max()
    assert steps[:15].max() <= usual + 0.1


def test_an_interruption_knows_the_turn_that_is_still_heard(speaker: Speaker):
    session = Session(speaker)
    first = rows([*said(session, SOUND), session.finish()])
    said(session, SOUND[::-1].copy())
    frames = session.interrupt(0, 30 * 640)
    assert frames.turn == 2
    assert np.array_equal(frames.rows[0, -POSE:], first[30, -POSE:])


def test_without_a_word_everything_was_heard(speaker: Speaker):
    session = Session(speaker)
    before = rows(said(session, SOUND))
    assert np.array_equal(session.interrupt().rows[0, -POSE:], before[-1, -POSE:])
    fresh = Session(speaker)
    assert np.array_equal(fresh.interrupt().rows[-1], speaker.rest.numpy())
    assert len(fresh.finish()) == 0 and fresh.push(SOUND).turn == 2


def test_the_next_turn_goes_on_from_the_last(speaker: Speaker):
    session = Session(speaker)
    said(session, SOUND)
    last = session.finish().rows[-1]
    second = [*said(session, SOUND), session.finish()]
    assert second[0].turn == 1 and second[0].sample == 0
    assert np.abs(second[0].rows[0] - last)[-POSE:].max() < 0.01
    assert not np.allclose(rows(second)[-1, -POSE:], last[-POSE:], atol=1e-4)  # another take


@pytest.mark.parametrize("count", [6400, 6401, 16_000])
def test_what_is_skipped_takes_its_time_but_is_not_shown(speaker: Speaker, count: int):
    session = Session(speaker)
    before = said(session, SOUND[:20_480])
    session.skip(count)
    after = [*said(session, SOUND[20_480 + count :]), session.finish()]
    begin = -(-(20_480 + count) // 640) * 640
    assert after[0].turn == 0 and after[0].sample == begin
    assert (len(SOUND) - begin) // 640 <= len(rows(after)) <= (len(SOUND) - begin) // 640 + 1
    assert np.abs(rows(after)[0] - before[-1].rows[-1]).max() < 0.1
    fresh = Session(speaker)
    expected = rows([*said(fresh, SOUND[begin:]), fresh.finish()])
    mouth = len(speaker.mouth_names)
    assert np.allclose(rows(after)[5:, :mouth], expected[5:, :mouth], atol=1e-5)


def test_who_finishes_or_interrupts_after_a_skip_gets_nothing_that_was_skipped(speaker: Speaker):
    session = Session(speaker)
    session.skip(16_000)
    assert len(session.finish()) == 0
    said(session, SOUND[:16_000])
    session.skip(16_100)
    assert len(session.push(SOUND[:400])) == 0 and len(session.interrupt(1, 640).rows) == 2
    assert session.push(SOUND).turn == 2


def test_a_still_speaker_only_moves_the_mouth(speaker: Speaker):
    found = rows(said(Session(replace(speaker, behaviour=None)), SOUND))
    assert found.shape[1] == len(speaker.basis) + POSE
    assert np.array_equal(found[:, -POSE:], np.tile(found[0, -POSE:], (len(found), 1)))


def test_emotions_stay_when_the_mouth_shuts(voice: np.ndarray, speaker: Speaker):
    model = load_model()
    happy = replace(speaker, model=model, basis=model.basis, emotions=parse_emotions("happy"))
    assert len(happy.directions()) == len(happy.names)
    session, mouth = Session(happy), len(happy.mouth_names)
    said(session, voice[:32_000])
    shut = session.interrupt().rows[-1]
    rest = happy.rest.numpy()
    assert np.allclose(shut[:mouth], rest[:mouth]) and rest[:mouth].max() > 0.2


def listened(session: Session, heard: np.ndarray, block: int = 640) -> list[Frames]:
    nothing = np.zeros(0, np.float32)
    pieces = [session.push(nothing, heard[i : i + block]) for i in range(0, len(heard), block)]
    return [piece for piece in pieces if len(piece)]


@pytest.mark.parametrize("block", [161, 5003, 200_000])
def test_how_what_is_heard_is_cut_up_does_not_matter(
    voice: np.ndarray, speaker: Speaker, block: int
):
    steady, odd = Session(speaker), Session(speaker)
    one, other = ([*listened(s, voice, b), s.finish()] for s, b in ((steady, 640), (odd, block)))
    assert np.allclose(rows(one), rows(other), rtol=0, atol=1e-6)
    assert len(rows(one)) == frame_count(len(voice), 25)
    assert [piece.turn for piece in one] == [0] * len(one) and one[0].sample == 0


def test_what_is_heard_is_answered_within_a_tenth_of_a_second(voice: np.ndarray, speaker: Speaker):
    session, come = Session(speaker), 0
    assert session.listening_latency <= 0.1
    for i in range(0, len(voice), 160):
        come = min(i + 160, len(voice))
        for frames in listened(session, voice[i:come]):
            assert come - frames.sample <= 0.1 * 16_000


def test_lips_do_not_move_to_anothers_voice(voice: np.ndarray, speaker: Speaker):
    """Neither in a turn of listening nor beside one's own silence: bit for bit."""
    mouth, session = len(speaker.mouth_names), Session(speaker)
    rest = speaker.rest.numpy()
    found = rows([*listened(session, voice), session.finish()])
    assert np.array_equal(found[:, :mouth], np.tile(rest[:mouth], (len(found), 1)))
    assert np.abs(found[:, mouth:] - rest[mouth:]).max() > 0.1
    quiet = np.zeros(len(voice), np.float32)
    alone, beside = Session(speaker), Session(speaker)
    moved = [np.concatenate([alone.push(quiet).rows, alone.finish().rows])]
    moved += [np.concatenate([beside.push(quiet, voice).rows, beside.finish().rows])]
    still, listening = moved
    assert np.array_equal(still[:, :mouth], listening[:, :mouth])
    assert not np.array_equal(still[:, mouth:], listening[:, mouth:])


def test_who_has_listened_begins_a_turn_where_the_face_is(voice: np.ndarray, speaker: Speaker):
    session, mouth = Session(speaker), len(speaker.mouth_names)
    before = listened(session, voice)[-1].rows[-1]
    spoken = [*said(session, SOUND), session.finish()]
    assert {piece.turn for piece in spoken} == {1} and spoken[0].sample == 0
    assert np.abs(rows(spoken)[0, mouth:] - before[mouth:]).max() < 0.1
    expected = rows(said(Session(speaker), SOUND))
    assert np.allclose(rows(spoken)[5:50, :mouth], expected[5:50, :mouth], atol=1e-5)
    assert listened(session, voice)[0].turn == 2


def test_what_is_heard_beside_an_utterance_does_not_end_it(voice: np.ndarray, speaker: Speaker):
    session = Session(speaker)
    first = session.push(SOUND[:32_000])
    assert not listened(session, voice[:8000])
    second = session.push(SOUND[32_000:], voice[:8000])
    assert second.turn == 0 and second.sample == 640 * len(first)


def test_what_is_heard_may_be_skipped_and_interrupted(voice: np.ndarray, speaker: Speaker):
    session = Session(speaker)
    listened(session, voice[:16_000])
    session.skip(16_100)
    after = listened(session, voice[32_100:])
    assert after[0].turn == 0 and after[0].sample == 32_640
    assert session.interrupt().turn == 1
    still = Session(replace(speaker, behaviour=None))
    assert len(rows([*listened(still, voice[:16_000], 700), still.finish()])) == 25


def test_barge_in_shuts_the_mouth_within_120_ms(speaker: Speaker):
    """Fifty times: the time to compute, and that until the last frame is shown."""
    mouth, times = len(speaker.mouth_names), []
    for number in range(50):
        session = Session(speaker)
        session.push(SOUND[: 640 * (15 + number)])
        begun = time.perf_counter()
        shut = session.interrupt()
        times.append(time.perf_counter() - begun + (len(shut) - 1) / 25)
        assert not shut.rows[-1, :mouth].any()
    assert np.percentile(times, 95) <= 0.12


@pytest.mark.soak
def test_an_hour_has_no_drift_and_grows_no_memory(speaker: Speaker):
    """Pieces of 0.04 s at an odd beat; the head moves for the last minutes as it did at first."""
    session, sound, frames, peaks = Session(speaker), syllables(10.0)[0], 0, []
    for second in range(3600):
        piece = np.roll(sound, second * 1600)[:16_000]
        for part in np.array_split(piece, 7):
            given = session.push(part)
            assert given.sample == frames * 640 and given.turn == 0
            frames += len(given)
        assert 0 <= (second + 1) * 25 - frames <= 10
        if second % 600 == 599:
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    frames += len(session.finish())
    assert frames == 90_000
    assert peaks[-1] - peaks[0] < 20_000  # KiB
