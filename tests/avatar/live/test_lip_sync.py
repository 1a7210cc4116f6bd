"""Sound that waits for its pictures: nothing is lost, and every time is exact."""

from fractions import Fraction

import numpy as np
import pytest
from av import AudioFrame

from avatar.live.lip_sync import (
    PIECE,
    RATE,
    LipSync,
    Microphone,
    TimedRow,
    sound_frame,
    video_frame,
)
from avatar.live.session import Frames

NOISE = np.random.default_rng(0).integers(-9999, 9999, 3 * RATE).astype(np.int16)


def rows(first: int, count: int) -> Frames:
    """Rows of 25 frames a second, each of which holds its number."""
    return Frames(0, 640 * first, np.arange(first, first + count, dtype=np.float32)[:, None])


def decoded(sound: np.ndarray, sample: int, rate: int = RATE, channels: int = 2) -> AudioFrame:
    """A frame as a decoder of Opus gives it."""
    layout = "stereo" if channels == 2 else "mono"
    frame = AudioFrame.from_ndarray(np.repeat(sound, channels)[None], "s16", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, sample, Fraction(1, rate)
    return frame


@pytest.mark.parametrize("size", [441, 960, 5000])
def test_sound_goes_out_late_whole_and_numbered(size: int):
    sync, out = LipSync(0.6, 25), []
    for start in range(0, len(NOISE), size):
        out += sync.hear(NOISE[start : start + size])
        heard = min(start + size, len(NOISE))
        assert 0 <= heard - int(0.6 * RATE) - PIECE * len(out) < PIECE or not out
    assert [frame.pts for frame in out] == [PIECE * n for n in range(len(out))]
    assert {(f.sample_rate, f.time_base, f.format.name) for f in out} == {
        (RATE, Fraction(1, RATE), "s16")
    }
    sound = np.concatenate([frame.to_ndarray()[0] for frame in out])
    assert np.array_equal(sound, NOISE[: len(sound)]) and len(sound) == len(NOISE) - int(0.6 * RATE)


def test_a_row_is_due_with_the_sound_of_its_beginning():
    sync = LipSync(0.0, 25)
    row = TimedRow(640, np.zeros(1, np.float32))  # 40 ms: after two pieces
    for piece in range(4):
        assert sync.is_due(row) == (piece > 2)
        assert len(sync.hear(NOISE[:PIECE])) == 1


def test_rows_that_come_in_time_are_all_drawn():
    sync, drawn = LipSync(0.6, 25), []
    for n in range(50):
        sync.hear(NOISE[: RATE // 25])
        if n >= 10:  # speech needs 0.4 s of the future
            sync.expect(rows(n - 10, 1))
            row = sync.next_row()
            assert row is not None and not sync.is_due(row)
            drawn.append(int(row.row[0]))
        assert sync.next_row() is None
    assert drawn == [*range(40)]


def test_a_drawer_that_is_too_slow_drops_rows_and_stays_near():
    sync, drawn = LipSync(0.6, 25), []
    for n in range(100):
        sync.hear(NOISE[: RATE // 25])
        sync.expect(rows(n, 1))
        if n % 3 == 2:  # one row in the time of three
            row = sync.next_row()
            assert row is not None and row.sample == 640 * int(row.row[0])
            drawn.append(int(row.row[0]))
            now = n + 1 - 15  # of the sound, in frames
            assert row.sample >= 640 * (now - 1)
    assert np.all(np.diff(drawn) > 0) and drawn[-1] > 80


def test_rows_of_a_late_session_are_drawn_late_rather_than_never():
    sync = LipSync(0.0, 25)
    sync.hear(NOISE)
    sync.expect(rows(3, 5))
    row = sync.next_row()
    assert row is not None and row.row[0] == 7 and sync.next_row() is None


def test_skipped_sound_leaves_a_gap_between_rows():
    sync = LipSync(9.0, 25)
    sync.expect(rows(0, 1))
    sync.expect(rows(6, 1))
    found = [sync.next_row(), sync.next_row()]
    assert [row.sample for row in found if row] == [0, 6 * 640]


def test_pictures_carry_the_samples_of_their_rows():
    picture = np.random.default_rng(1).integers(0, 255, (8, 6, 3)).astype(np.uint8)
    frame = video_frame(picture, 640 * 7)
    assert frame.pts is not None and frame.time_base is not None
    assert frame.pts * frame.time_base == Fraction(7, 25)
    assert np.array_equal(frame.to_ndarray(format="rgb24"), picture)
    sound = sound_frame(NOISE[:PIECE], 14 * PIECE)
    assert sound.pts is not None and sound.time_base is not None
    assert sound.pts * sound.time_base == Fraction(7, 25)


def test_lost_packets_are_silence():
    microphone = Microphone()
    heard = [microphone.hear(decoded(NOISE[n : n + 960], n)) for n in (0, 960, 2880, 3840)]
    sound = np.concatenate(heard)
    assert len(sound) == 4800 and not sound[1920:2880].any()
    for start in (0, 2880):
        assert np.array_equal(sound[start : start + 1920], NOISE[start : start + 1920])


def test_a_leap_in_time_is_a_new_beginning():
    microphone = Microphone()
    times = (0, 960, 10 * RATE, 10 * RATE + 960, 0, 960)
    assert [len(microphone.hear(decoded(NOISE[:960], at))) for at in times] == [960] * 6


def test_other_rates_are_resampled_and_other_kinds_refused():
    microphone = Microphone()
    heard = [microphone.hear(decoded(NOISE[:160], 160 * n, 8000, 1)) for n in range(50)]
    assert abs(sum(map(len, heard)) - RATE) < 200
    with pytest.raises(ValueError, match=r"(?i)frame"):
        microphone.hear(decoded(NOISE[:960], 8000, RATE, 2))
