"""The phone recogniser: decoding, learning a toy language of tones, finding its phones again."""

import numpy as np
import pytest
import torch
from other_device import other_device
from speech_models import tiny_encoder

from audio2mesh import load_model
from audio2mesh.data.phones import PHONES, SILENCE, Phone
from audio2mesh.training.trainer import Trainer
from research.corpus.build import agreement
from research.corpus.options import RecogniserOptions
from research.corpus.recognise import (
    MARGIN,
    RATE,
    WINDOW,
    Heard,
    PhoneNet,
    best_path,
    encode_windows,
    feature_count,
    is_speech,
    load_recogniser,
    phone_scores,
    recognise,
    recording_windows,
    save_recogniser,
    step_labels,
)
from research.corpus.recordings import Utterance
from research.corpus.teaching import PhoneTask, hear_passes

TONES = {"AA": 220.0, "IY": 900.0, "S": 3500.0, SILENCE: 0.0}


def babble(seed: int, seconds: float) -> Utterance:
    """Random phones of 0.1 to 0.3 s, each a tone of its own with overtones."""
    rng = np.random.default_rng(seed)
    phones, at = [], 0.0
    while at < seconds:
        choice = str(rng.choice([label for label in TONES if not phones or label != phones[-1][0]]))
        phones.append((choice, at, min(seconds, at + rng.uniform(0.1, 0.3))))
        at = phones[-1][2]
    t = np.arange(round(seconds * 16_000)) / 16_000
    audio = 0.0005 * rng.standard_normal(len(t))
    for label, start, end in phones:
        inside = (t >= start) & (t < end) & (TONES[label] > 0)
        audio[inside] += 0.2 * np.sign(np.sin(2 * np.pi * TONES[label] * t[inside]))
    return Utterance(f"babble {seed}", audio.astype(np.float32), tuple(Phone(*p) for p in phones))


@pytest.fixture(scope="module")
def encoder():
    return load_model().encoder


@pytest.fixture(scope="module")
def net(encoder) -> PhoneNet:
    options = RecogniserOptions(passes=1, steps=40, batch=3)
    lessons = [babble(seed, 16.0) for seed in range(2)]
    features, labels = hear_passes(encoder, lessons, options, lambda done, total: None)
    trainer = Trainer(PhoneTask(features, labels, options), options)
    for _ in range(options.steps):
        trainer.train_step()
    trainer.use_average()
    return trainer.task.net


def test_it_learns_a_toy_language(encoder, net):
    unheard = babble(99, 7.0)
    (heard,) = recognise(encoder, net, [unheard.audio])
    assert agreement(heard.phones, unheard.phones) > 0.8
    assert is_speech(heard)
    assert heard.phones[0].start == 0 and heard.phones[-1].end == pytest.approx(unheard.seconds)


def test_recordings_heard_together_are_heard_as_alone(encoder, net):
    recordings = [babble(seed, seconds).audio for seed, seconds in ((5, 2.0), (6, 3.005))]
    together = recognise(encoder, net, recordings)
    for heard, audio in zip(together, recordings, strict=True):
        assert heard.phones[-1].end == pytest.approx(len(audio) / 16_000)
        (alone,) = recognise(encoder, net, [audio])
        assert agreement(heard.phones, alone.phones) > 0.75


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
def test_it_hears_the_same_on_another_device():
    audio = babble(7, 4.0).audio
    torch.manual_seed(0)
    here = tiny_encoder()
    net = PhoneNet(feature_count(here)).eval()
    wanted = phone_scores(here, net, audio)
    with other_device() as device:
        assert np.allclose(phone_scores(here.to(device), net.to(device), audio), wanted, atol=1e-5)


def test_silence_is_no_speech(encoder, net):
    (heard,) = recognise(encoder, net, [np.zeros(16_000, np.float32)])
    assert [phone.label for phone in heard.phones] == [SILENCE] and not is_speech(heard)
    assert not is_speech(Heard((Phone("AA", 0, 1), Phone("S", 1, 2)), -4.0))


def test_weights_are_reused_only_for_the_same_record(encoder, net, tmp_path):
    path = tmp_path / "net.safetensors"
    assert load_recogniser(path, encoder, "one") is None
    save_recogniser(net, path, "one")
    assert load_recogniser(path, encoder, "two") is None
    again = load_recogniser(path, encoder, "one")
    assert again is not None
    features = torch.randn(1, 20, feature_count(encoder))
    assert torch.equal(again(features), net(features))


def test_windows_cover_a_recording(encoder):
    audio = np.arange(16_000 * 14, dtype=np.float32) / 16_000 / 20
    windows = recording_windows(audio)
    margin = round(MARGIN * 16_000)
    inner = windows[:, margin:-margin].flatten()[: len(audio)]
    assert torch.equal(inner, torch.from_numpy(audio))
    assert encode_windows(encoder, windows[:1]).shape == (1, WINDOW * RATE, feature_count(encoder))


def test_step_labels_are_those_at_the_steps_centres():
    phones = (Phone("AA", 0, 0.05), Phone("S", 0.05, 0.08))
    labels = [PHONES[row] for row in step_labels(phones, 0.0, 6)]
    assert labels == ["AA", "AA", "S", "S", SILENCE, SILENCE]
    assert [PHONES[row] for row in step_labels(phones, 0.04, 2)] == ["S", "S"]


def brute_force(scores: np.ndarray, shortest: int, change: float) -> float:
    """Best total over all sequences whose runs are long enough."""
    count, classes = scores.shape
    best = -np.inf
    for number in range(classes**count):
        path = [number // classes**t % classes for t in range(count)]
        edges = [0, *(t for t in range(1, count) if path[t] != path[t - 1]), count]
        if min(np.diff(edges)) >= shortest:
            total = scores[np.arange(count), path].sum() - change * (len(edges) - 2)
            best = max(best, float(total))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_best_path_is_the_best_of_all(seed):
    scores = np.random.default_rng(seed).normal(size=(7, 3)) * 2
    path = best_path(scores, 2, 0.5)
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    assert min(np.diff(edges)) >= 2
    total = scores[np.arange(7), path].sum() - 0.5 * (len(edges) - 2)
    assert total == pytest.approx(brute_force(scores, 2, 0.5))


def test_agreement_is_a_share_of_the_time():
    true = (Phone("M", 0, 0.1), Phone("AA", 0.1, 0.2), Phone(SILENCE, 0.2, 0.4))
    found = (Phone("B", 0, 0.1), Phone(SILENCE, 0.1, 0.4))
    assert agreement(found, true) == pytest.approx(0.5)
