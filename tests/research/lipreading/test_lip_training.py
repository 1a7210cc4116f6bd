from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from lip_reels import bright_reel, bright_windows

from audio2mesh.data.phones import PHONES, Phone
from audio2mesh.lipreading.decoding import phone_trigram
from audio2mesh.lipreading.network import MEASURES, LipReadNet, LipReadOptions
from audio2mesh.training.trainer import Trainer
from research.lipreading.lip_task import (
    LipTask,
    fit_blank,
    fit_feature_scale,
    fit_grammar,
    lip_scores,
    lip_trainer,
    reading_losses,
)
from research.lipreading.options import LipTrainOptions
from research.lipreading.reels import (
    UNKNOWN,
    Reel,
    augmented,
    draw_batch,
    draw_measures,
    step_labels,
    target_of,
)

SMALL = LipReadOptions(width=32, layers=1, heads=2, dropout=0.0)
OPTIONS = LipTrainOptions(
    steps=60, batch=4, frames=24, learning_rate=3e-3, average=0.0, rehearsal=0, looking=0
)
SAID = (Phone("SIL", 0.0, 0.1), Phone("M", 0.1, 0.14), Phone("AA", 0.14, 0.4))


def trainer(steps: int = 60) -> Trainer[LipTask]:
    torch.manual_seed(0)
    return lip_trainer(LipReadNet(SMALL), bright_windows(), replace(OPTIONS, steps=steps))


def test_half_frames_bear_the_phone_of_their_middle():
    labels = step_labels(SAID, 0, 12)
    names = [PHONES[label] if label != UNKNOWN else None for label in labels.tolist()]
    assert names[:5] == ["SIL"] * 5  # centres at 10, 30, .., 90 ms
    assert names[5:7] == ["M", "M"]  # 110 and 130 ms
    assert names[7:20] == ["AA"] * 13
    assert names[20:] == [None] * 4
    assert torch.equal(step_labels(SAID, 2, 4), labels[4:12])


def test_a_window_is_asked_for_the_phones_whose_middle_it_shows():
    assert [PHONES[k] for k in target_of(SAID, 0, 10)] == ["SIL", "M", "AA"]
    assert [PHONES[k] for k in target_of(SAID, 2, 4)] == ["M"]


def test_batches_follow_from_their_seed():
    draw = bright_windows()
    one, same, other = (draw_batch(draw, 3, 20, np.random.default_rng(k)) for k in (1, 1, 2))
    assert torch.equal(one.crops, same.crops)
    assert not torch.equal(one.crops, other.crops)
    assert one.crops.shape == (3, 20, 88, 88)
    assert one.labels.shape == (3, 40)


def test_augmented_windows_show_the_same_film():
    reel = bright_reel(30, 0)
    window = torch.from_numpy(reel.crops[:20]).float() / 255
    changed = augmented(window.clone(), np.random.default_rng(4))
    assert changed.shape == window.shape
    means = torch.stack([window[:, :44].mean((1, 2)), changed[:, :44].mean((1, 2))])
    assert torch.corrcoef(means)[0, 1] > 0.5


def test_reels_without_phones_teach_the_shape_alone():
    reel = Reel(bright_reel(4, 0).crops, np.ones((20, MEASURES), np.float32), ())
    batch = draw_batch(lambda *_: reel, 2, 20, np.random.default_rng(0))
    torch.manual_seed(0)
    losses = reading_losses(LipReadNet(SMALL)(batch.crops), batch)
    assert losses["ctc"] == 0 == losses["phones"]
    assert losses["shape"] > 0


def test_a_lip_reader_learns_what_pictures_show():
    torch.manual_seed(0)
    options = replace(OPTIONS, steps=120, rehearsal=50, looking=40)
    run = lip_trainer(LipReadNet(SMALL), bright_windows(), options)
    first = run.train_step()
    while run.step < 120:
        last = run.train_step()
    assert last["ctc"] < 0.5 * first["ctc"]
    run.task.net.eval()
    reel = bright_reel(40, 10)
    with torch.no_grad():
        read = run.task.net(torch.from_numpy(reel.crops)[None].float() / 255).phones[0].argmax(-1)
    labels = step_labels(reel.phones, 0, len(reel.crops))
    assert (read == labels).double().mean() > 0.5  # a guess is right in one of four


def test_phones_are_first_named_by_measures_then_pictures_measured_then_both():
    net = LipReadNet(SMALL)
    options = replace(OPTIONS, steps=3, rehearsal=1, looking=1)
    run = lip_trainer(net, bright_windows(), options)
    front, blocks = net.front.weight, next(net.blocks.parameters())
    before = [front.clone(), blocks.clone()]
    learned = []
    for _ in range(3):
        told = run.train_step()
        learned.append(
            (set(told), not torch.equal(front, before[0]), not torch.equal(blocks, before[1]))
        )
        before = [front.clone(), blocks.clone()]
    every = {"loss", "ctc", "phones", "shape"}
    assert learned[0] == (every, False, True)
    assert learned[1][:2] == ({"loss", "shape"}, True)
    assert learned[2] == (every, True, True)


def test_measures_without_pictures_are_nearly_right():
    reel = Reel(np.empty((20, 0, 0), np.uint8), np.full((20, MEASURES), 5, np.float32), SAID)
    batch = draw_measures(lambda *_: reel, 8, 20, np.random.default_rng(0))
    assert batch.crops.shape == (8, 20, 0, 0)
    assert 0.1 < (batch.shape - 5).abs().mean() < 2
    assert torch.equal(batch.labels[0], step_labels(SAID, 0, 20))


def test_scores_need_phones():
    with pytest.raises(ValueError, match="none of the held-out clips has phones"):
        lip_scores(LipReadNet(SMALL), [])


def test_a_resumed_run_is_the_unbroken_one():
    whole, first, second = (trainer(4) for _ in range(3))
    for _ in range(4):
        whole.train_step()
    for _ in range(2):
        first.train_step()
    second.set_state({name: tensor.clone() for name, tensor in first.state().items()})
    second.step = 2
    for _ in range(2):
        second.train_step()
    wanted, found = whole.state(), second.state()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(tensor, found[name]) for name, tensor in wanted.items())


def test_without_an_average_the_last_weights_are_used():
    run = trainer(2)
    run.train_step()
    last = {name: tensor.clone() for name, tensor in run.net.state_dict().items()}
    run.use_average()
    assert all(torch.equal(tensor, last[name]) for name, tensor in run.net.state_dict().items())


def test_the_feature_scale_standardises_training_windows():
    task = trainer(2).task
    fit_feature_scale(task)
    with torch.no_grad():
        seen = task.net.encode(task.batch(task.options.steps).crops)
    standard = (seen - task.net.centre) / task.net.spread
    assert standard.mean((0, 1)).abs().mean() < 0.5
    assert 0.5 < standard.std((0, 1)).mean() < 1.5


@pytest.fixture(scope="module")
def halfway() -> LipReadNet:
    run = trainer()
    while run.step < 30:
        run.train_step()
    return run.task.net


def test_a_shy_reader_is_made_to_speak(halfway: LipReadNet):
    net, reels = deepcopy(halfway), [bright_reel(20, k) for k in range(3)]
    with torch.no_grad():
        net.blank.bias.add_(3.0)
    bias = net.blank.bias.clone()
    before = lip_scores(net.eval(), reels)["lips alone"]
    fit_blank(net, reels)
    assert (net.blank.bias <= bias).all()
    assert lip_scores(net, reels)["lips alone"] <= before


def test_a_grammar_is_trusted_as_far_as_it_helps(halfway: LipReadNet):
    net, reels = deepcopy(halfway), [bright_reel(20, k) for k in range(3)]
    sentences = [[phone.label for phone in reel.phones] for reel in reels]
    fit_grammar(net, sentences, reels)
    scores = lip_scores(net, reels)
    assert scores["phones"] <= scores["lips alone"]
    assert torch.equal(net.trigram, phone_trigram(sentences))
