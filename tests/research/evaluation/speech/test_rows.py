from dataclasses import replace

import pytest
import torch
from speech_models import syllables, talking_clip, tiny_model

from audio2mesh.model.baseline import AutoregressiveDecoder
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from research.evaluation.speech.evaluate import constant, in_pieces, spoken, true
from research.evaluation.speech.recordings import Recording


@pytest.fixture
def baseline() -> SpeechToMotion:
    tiny = tiny_model()
    options = replace(tiny.options, decoder=replace(tiny.options.decoder, kind="faceformer"))
    model = SpeechToMotion(tiny.encoder, tiny.basis, "tiny", tiny.styles, options).eval()
    torch.nn.init.normal_(model.decoder.output.weight)
    return model


def test_weights_speak_as_they_stream():
    model, audio = tiny_model(moving=True), syllables(5.0)[0]
    motion = spoken(model, 25, None)(Recording("a", audio), 125)
    assert motion is not None
    assert torch.equal(motion.coefficients, torch.cat(list(stream_coefficients(model, [audio]))))
    louder = spoken(model, 30, "loud")(Recording("a", audio), 150)
    assert louder is not None and len(louder.coefficients) == 150


def test_own_style_is_the_recordings_where_the_weights_know_it():
    model = tiny_model(moving=True)
    torch.nn.init.normal_(model.decoder.style.weight)
    clip = talking_clip(model, "a", 5.0)
    ours, stranger = Recording("a", clip.audio, clip=clip), Recording("b", clip.audio)
    own, loud, neutral = (spoken(model, 25, name) for name in ("own", "loud", None))

    def made(row, recording):
        motion = row(recording, 125)
        assert motion is not None
        return motion.coefficients

    assert torch.equal(made(own, ours), made(loud, ours))
    assert torch.equal(made(own, stranger), made(neutral, ours))
    assert not torch.equal(made(loud, ours), made(neutral, ours))


@torch.no_grad()
def test_the_baseline_makes_each_piece_in_one_go(baseline):
    audio = syllables(7.3)[0]
    made = in_pieces(baseline, audio, 25, "loud", longest=100)
    row = torch.tensor([1])
    first = baseline(torch.from_numpy(audio[:64_000])[None], row)[0]
    second = baseline(torch.from_numpy(audio[64_000:])[None], row)[0]
    assert made.shape == (182, 4)
    torch.testing.assert_close(made[:100], first)
    torch.testing.assert_close(made[100:], second[:82], atol=1e-2, rtol=1e-2)


def test_the_baseline_takes_recordings_of_any_length(baseline):
    assert isinstance(baseline.decoder, AutoregressiveDecoder)
    for samples, frames in ((1, 1), (900, 1), (48_000, 75), (16_000 * 25, 625)):
        recording = Recording("a", 0.1 * torch.randn(samples).numpy())
        motion = spoken(baseline, 25, None)(recording, frames)
        assert motion is not None and motion.coefficients.isfinite().all()


def test_constants_and_truth():
    recording = Recording("a", syllables(1.0)[0])
    still = constant(torch.zeros(12, 3))(recording, 25)
    assert still is not None and not still.offsets().any() and still.offsets().shape == (25, 12, 3)
    assert true(25)(recording, 25) is None
