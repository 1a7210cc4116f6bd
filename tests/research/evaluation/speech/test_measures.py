import pytest
import torch
from talking_faces import moving, talk

from audio2mesh.data.clips import Clip
from audio2mesh.data.phones import Phone
from research.evaluation.speech.articulation import Score, pool, share
from research.evaluation.speech.evaluate import constant, mean_offsets, measure
from research.evaluation.speech.measures import MEASURES, figures, row_figures
from research.evaluation.speech.recordings import Material, Recording

REPORT_KEYS = {
    "lve_mm2", "lve_mm", "mve_mm", "fdd", "fdd_abs", "lse_d", "lse_c", "mtm_ms",
    "lip_gap_correlation", "closure_mbp", "contact_fv", "open_vowels", "rounding",
    "pause_closure", "jitter_ratio",
}  # fmt: skip


def nobody(*_: object) -> dict[str, Score]:
    return {}


@pytest.fixture
def recordings() -> list[Recording]:
    """Two of ten and of six seconds, with their motion."""
    found = []
    for name, frames in (("a", 250), ("b", 150)):
        opening, audio = talk(frames, len(name))
        clip = Clip(name, name, audio, moving(opening), 25, -0.02)
        phones = (Phone("M", 0.0, 0.02), Phone("AA", 0.05, 0.2), Phone("SIL", 3.0, 5.0))
        found.append(Recording(name, audio, phones, clip))
    return found


def test_items_count_alike():
    assert pool([{"a": Score(1, 1)}, {"a": Score(0, 3)}, {}]) == {"a": 0.25}
    assert share([True, False]) == Score(0.5, 2) and share([]) is None


def test_every_promised_key_is_there_whatever_is_known(recordings, face):
    assert set(MEASURES) >= REPORT_KEYS
    mute = Recording("mute", recordings[0].audio)
    motion = recordings[0].truth(25, 250)
    assert motion is not None
    figures, _ = row_figures([mute], [motion], face, 25, nobody)
    assert set(figures) == set(MEASURES)
    assert all(figures[key] is None for key in ("lve_mm2", "fdd", "mtm_ms", "closure_mbp", "lse_d"))
    assert figures["pause_closure"] == 1.0


def test_the_truth_against_itself_is_perfect(recordings, face):
    motions = [r.truth(25, len(r.audio) // 640) for r in recordings]
    row, each = row_figures(recordings, motions, face, 25, nobody)
    for key in ("lve_mm2", "lve_mm", "mve_mm", "fdd", "fdd_abs", "mtm_ms"):
        assert row[key] == 0, key
    for key in ("lip_gap_correlation", "jitter_ratio", "amplitude", "pause_closure"):
        assert row[key] == pytest.approx(1), key
    assert row["closure_mbp"] == row["open_vowels"] == 1
    assert len(each) == 2


def test_rows_pool_frames_and_the_root_comes_last(recordings, face):
    late = [moving(0.5 * talk(frames, 1)[0].roll(2)) for frames in (250, 150)]
    row, (first, second) = row_figures(recordings, late, face, 25, nobody)
    error, of_first, of_second = (figures["lve_mm2"] for figures in (row, first, second))
    assert error and of_first and of_second
    assert error == pytest.approx((250 * of_first + 150 * of_second) / 400)
    assert row["lve_mm"] == pytest.approx(error**0.5)
    assert row["jitter_ratio"] == pytest.approx(0.5, abs=0.05)


def test_a_judge_adds_its_scores(recordings, face):
    def sure(motion, recording, fps):
        return {"lse_d": Score(2.0 if recording.name == "a" else 4.0, 1)}

    rows = {"still": constant(torch.zeros(12, 3))}
    result = measure(Material(recordings, face, "tiny"), rows, 25, sure)
    assert result.rows["still"]["lse_d"] == 3.0
    assert result.truth is not None and result.truth["lve_mm2"] == 0
    assert result.rows["still"]["lip_gap_correlation"] is None
    assert set(result.clips) == {"still", "truth"} and set(result.clips["still"]) == {"a", "b"}


@pytest.mark.parametrize("frames", [1, 2, 3, 8])
def test_a_few_frames_break_nothing(face, frames):
    opening, audio = talk(frames)
    clip = Clip("short", "a", audio, moving(opening), 25, 0)
    recording = Recording("short", audio, (Phone("M", 0, 0.02),), clip)
    row, _ = row_figures([recording], [moving(opening)], face, 25, nobody)
    assert row["lve_mm2"] is not None and row["closure_mbp"] == 1


def test_mean_offsets_weigh_frames(recordings):
    clips = [r.clip for r in recordings if r.clip]
    every = torch.cat([clip.motion.offsets() for clip in clips])
    torch.testing.assert_close(mean_offsets(clips), every.mean(0))


def test_figures_that_are_no_numbers_are_none():
    found = figures([{"fdd": Score(float("nan"), 1), "mve_mm": Score(1.0, 2)}])
    assert found["fdd"] is None and found["mve_mm"] == 1.0
