import itertools
import resource

import numpy as np
import pytest
import torch
from speech_models import syllables, talking_clip, tiny_model

from audio2mesh.data.clips import clip_frames
from audio2mesh.model.speech_to_motion import interpolate_steps
from audio2mesh.model.stream import stream_coefficients, stream_offsets
from audio2mesh.sound.waveform import frame_count


def _whole(model, audio, fps=None):
    return torch.cat(list(stream_offsets(model, [audio], fps)))


@pytest.mark.parametrize("samples", [0, 1, 319, 321, 16_000, 27_777, 100_001])
@pytest.mark.parametrize("fps", [None, 12.5, 23.976, 30, 60])
def test_exact_frame_count(samples, fps):
    model = tiny_model()
    frames = _whole(model, np.zeros(samples, np.float32), fps)
    assert frames.shape == (max(1, round(samples / 16_000 * (fps or 25))), 12, 3)
    assert len(frames) == frame_count(samples, fps or 25)
    assert frames.dtype == torch.float32


@pytest.mark.parametrize("fps", [None, 30])
def test_blocks_of_any_size_give_the_same_motion(fps):
    model, (audio, _) = tiny_model(moving=True), syllables(7.3)
    whole = _whole(model, audio, fps)
    cuts = np.cumsum([0, 1, 0, 5_000, 640, 70_001, len(audio)])
    pieces = [audio[a:b] for a, b in itertools.pairwise(cuts)]
    assert torch.equal(whole, torch.cat(list(stream_offsets(model, pieces, fps))))
    assert whole.abs().max() > 1e-3


def test_chunks_come_out_before_the_recording_ends():
    model = tiny_model(moving=True)
    read = 0

    def blocks():
        nonlocal read
        for _ in range(40):
            read += 8_000
            yield syllables(0.5)[0]

    first = next(stream_offsets(model, blocks()))
    assert read <= 2 * 16_000 and len(first) > 0


def test_inside_a_window_streaming_is_the_window():
    """Frames that no cross-fade touches equal the decoder's output for their window."""
    model, (audio, _) = tiny_model(moving=True), syllables(6.0)
    streamed = torch.cat(list(stream_coefficients(model, [audio])))
    window = model.options.window
    start = 2 * window.hop - window.margin
    piece = torch.from_numpy(audio[start * 640 : start * 640 + model.window_samples])
    alone = model(piece[None], torch.tensor([0]))[0]
    inner = slice(window.margin + window.fade, window.frames - window.margin - window.fade)
    torch.testing.assert_close(streamed[start:][inner], alone[inner])


def test_seams_jump_no_more_than_other_frames():
    model, (audio, _) = tiny_model(moving=True), syllables(40.0)
    jumps = torch.cat(list(stream_coefficients(model, [audio]))).diff(dim=0).norm(dim=1)
    window = model.options.window
    at_seam = torch.zeros(len(jumps), dtype=torch.bool)
    for seam in range(window.hop, len(jumps), window.hop):
        at_seam[seam - window.fade // 2 - 1 : seam + window.fade // 2 + 1] = True
    assert jumps[at_seam].mean() < 1.15 * jumps[~at_seam].mean()
    assert jumps[at_seam].max() < 1.1 * jumps[~at_seam].max()


def test_other_rates_show_the_same_motion_at_the_same_seconds():
    model, (audio, _) = tiny_model(moving=True), syllables(5.0)
    slow, fast = (torch.cat(list(stream_coefficients(model, [audio], f))) for f in (25, 75))
    assert torch.equal(slow, torch.cat(list(stream_coefficients(model, [audio]))))
    torch.testing.assert_close(fast[1::3], slow)  # the middle one of three has the same centre


def test_a_recording_and_its_later_part_move_in_step():
    """Frame f stands for [f/fps, (f+1)/fps): cutting whole windows off shifts the motion."""
    model, (audio, _) = tiny_model(moving=True), syllables(8.0)
    hop = model.options.window.hop
    later = torch.cat(list(stream_coefficients(model, [audio[hop * 640 :]])))
    whole = torch.cat(list(stream_coefficients(model, [audio])))
    settled = (
        hop + model.options.window.fade
    )  # the first window hears silence in place of what was cut off
    torch.testing.assert_close(later[settled:], whole[hop + settled :], atol=1e-4, rtol=1e-3)


def test_features_are_read_at_the_centres_of_frames():
    times = torch.tensor([0.1, 0.2, 0.3])
    states = torch.tensor([[[1.0], [3.0], [4.0]]])
    read = interpolate_steps(states, times, torch.tensor([0.0, 0.15, 0.275, 9.0]))
    torch.testing.assert_close(read[0, :, 0], torch.tensor([1.0, 2.0, 3.75, 4.0]))


def test_clip_frames_undo_the_lag_and_the_frame_rate():
    clip = talking_clip(tiny_model())
    frames = clip_frames(clip, 25, 200)[:, 0]
    centres = (torch.arange(200) + 0.5) / 25 * 16_000
    loudness = torch.from_numpy(syllables(9.0)[1]).float()[centres.long()]
    torch.testing.assert_close(frames, loudness, atol=0.03, rtol=0)


def test_bad_rate_and_style_are_named():
    model = tiny_model()
    for fps in (0, -25, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="frame rate"):
            next(stream_offsets(model, [], fps))
    with pytest.raises(ValueError, match="no speaking style 'angry'"):
        next(stream_offsets(model, [], style="angry"))


def test_ten_minutes_need_no_more_memory_than_one():
    model = tiny_model(moving=True)

    def run(minutes: int) -> tuple[int, int]:
        blocks = (syllables(1.0, seed)[0] for seed in range(60 * minutes))
        frames = sum(len(chunk) for chunk in stream_offsets(model, blocks))
        return frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    frames, before = run(1)
    assert frames == 60 * 25
    frames, after = run(10)
    assert frames == 600 * 25
    assert after - before < 20_000  # kB
