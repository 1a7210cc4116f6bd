import numpy as np
import pytest
import torch

from audio2mesh.data.phones import Phone
from audio2mesh.lipreading.decoding import phone_error_rate
from audio2mesh.lipreading.network import LipReadNet
from audio2mesh.model.motion import Motion
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry
from research.evaluation.speech.recordings import Material, Recording
from research.lipreading.judge import at_rate, drawn_mouth, lip_reading_judge
from research.lipreading.render import mouth_renderer

HEAD = load_head()
PHONES = (Phone("SIL", 0, 0.1), Phone("M", 0.1, 0.2), Phone("AA", 0.2, 0.4))


@pytest.fixture
def net() -> LipReadNet:
    torch.manual_seed(0)
    return LipReadNet().eval()


def material(topology: str) -> Material:
    return Material([], face_geometry(HEAD), topology)


def test_the_rate_is_that_of_the_reader_and_phones_weigh(net: LipReadNet):
    motion = Motion(0.3 * torch.rand(12, 1), HEAD.unit("jawOpen")[None])
    recording = Recording("a", np.zeros(8_000, np.float32), PHONES)
    score = lip_reading_judge(net, HEAD, material(HEAD.topology))(motion, recording, 25)["per"]
    crops = drawn_mouth(mouth_renderer(HEAD), motion, HEAD.vertices)
    expected = phone_error_rate(net, crops, [phone.label for phone in PHONES])
    assert (score.value, score.weight) == (expected, 2)


def test_nothing_said_is_no_score(net: LipReadNet):
    judge = lip_reading_judge(net, HEAD, material(HEAD.topology))
    motion = Motion(torch.zeros(5, 1), HEAD.unit("jawOpen")[None])
    for phones in ((), PHONES[:1]):
        assert judge(motion, Recording("a", np.zeros(3_200, np.float32), phones), 25) == {}


def test_words_are_counted_where_a_text_is_known(net: LipReadNet):
    texts = {"a": "bin blue", "b": "lay red"}
    judge = lip_reading_judge(net, HEAD, material(HEAD.topology), texts)
    motion = Motion(0.3 * torch.rand(20, 1), HEAD.unit("jawOpen")[None])
    sound = np.zeros(8_000, np.float32)
    score = judge(motion, Recording("folder/a", sound, PHONES), 25)["wer"]
    assert score.weight == 2 and score.value in (0, 0.5, 1)
    assert "wer" not in judge(motion, Recording("c", sound, PHONES), 25)


def test_another_topology_is_refused(net: LipReadNet):
    with pytest.raises(ValueError, match="the data are of flame"):
        lip_reading_judge(net, HEAD, material("flame"))


def test_other_frame_rates_are_brought_to_25():
    seconds = (torch.arange(60) + 0.5) / 30
    motion = at_rate(Motion(seconds[:, None], torch.zeros(1, 3, 3)), 30)
    expected = (torch.arange(50) + 0.5) / 25
    torch.testing.assert_close(motion.coefficients[1:-1, 0], expected[1:-1])
    assert len(motion.coefficients) == 50
