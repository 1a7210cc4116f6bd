import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_off import same_weights, stop_inside_step
from support import write_wav

from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.lipreading.network import load_lipreader
from audio2mesh.model.options import LipReadOptions
from avatar.heads import load_head
from common.errors import InputError
from common.network_files import training_record
from research.lipreading import sentences
from research.lipreading.options import LipFitOptions, LipTrainOptions
from research.lipreading.reels import step_labels
from research.lipreading.sentences import VOICES, Said, part_of, read_sentences, say
from research.lipreading.train import fit_lipreader, strangers
from research.lipreading.windows import running_speech, window_source

HEAD = load_head()
CPU = torch.device("cpu")
WORDS = [f"{a} {b}" for a in ("one", "two", "three", "four") for b in "abcdefghijklm"]
SAID = [["SIL", 0.0, 0.2], ["M", 0.2, 0.3], ["AA", 0.3, 0.5], ["SIL", 0.5, 0.8]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sentences that all voices have said already."""
    (tmp_path / "text.txt").write_text("\n".join(WORDS), encoding="utf-8")
    (tmp_path / "said").mkdir()
    for voices in VOICES.values():
        for voice in voices:
            rows = [json.dumps([text, SAID]) for text in WORDS]
            (tmp_path / "said" / f"{voice.name}.jsonl").write_text("\n".join(rows) + "\n")
    return tmp_path


def said(folder: Path) -> list[Said]:
    return say(read_sentences(folder / "text.txt"), "training", folder / "said")


def test_each_sentence_is_for_one_part_and_no_voice_for_two(folder: Path):
    parts = {part: say(WORDS, part, folder / "said") for part in VOICES}
    assert [len(parts[part]) for part in ("training", "validation", "test")] == [48, 2, 2]
    assert sorted(s.text for part in parts.values() for s in part) == sorted(WORDS)
    voices = [{s.voice for s in part} for part in parts.values()]
    assert sum(map(len, voices)) == len(set.union(*voices)) >= 5
    assert [part_of(line) for line in (0, 1, 2, 49, 50)] == [
        *("test", "validation", "training", "training", "test")
    ]


def test_what_was_said_is_not_said_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heard = []

    def speak(voice: object, name: str, text: str) -> Said:
        heard.append(text)
        return Said(text, "", (Phone(SILENCE, 0.0, 0.1), Phone("M", 0.1, 0.3)))

    monkeypatch.setattr(sentences, "speak", speak)
    first = say(WORDS, "validation", tmp_path)
    assert say(WORDS, "validation", tmp_path) == first
    assert heard == [s.text for s in first]


def test_a_program_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="festival is not installed"):
        say(WORDS, "validation", tmp_path)


def test_texts_without_sentences_are_named(tmp_path: Path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_sentences(path)
    path.write_text("Only one.\n")
    with pytest.raises(InputError, match="has 1 plain sentences"):
        read_sentences(path)


def test_a_broken_cache_is_named(folder: Path):
    (folder / "said" / "festival_slt.jsonl").write_text('["one", 3]\n')
    with pytest.raises(InputError, match="no sentence with phones"):
        say(WORDS, "validation", folder / "said")


def test_running_speech_goes_on_without_gaps_in_time(folder: Path):
    phones = running_speech(said(folder), 3.0, np.random.default_rng(0))
    assert phones[-1].end >= 3.0
    assert all(abs(a.end - b.start) < 1e-9 for a, b in pairwise(phones))
    labels = {p.label for p in phones}
    assert labels == {"SIL", "M", "AA"}


def test_windows_show_what_their_phones_say(folder: Path):
    draw = window_source(HEAD, said(folder), [], 1.0)
    one, same, other = (draw(np.random.default_rng(seed), 40, True) for seed in (1, 1, 2))
    assert np.array_equal(one.crops, same.crops)
    assert not np.array_equal(one.crops, other.crops)
    assert one.crops.shape == (40, 88, 88)
    labels = step_labels(one.phones, 0, 40).view(40, 2)[:, 0]
    gap = one.shape[:, 3] - one.shape[:, 5]
    opened, shut = (labels == labels.unique()[index] for index in (1, 2))  # AA, M
    assert gap[opened.numpy()].mean() > gap[shut.numpy()].mean() + 1


def test_strangers_say_whole_sentences(folder: Path):
    reel = strangers(HEAD, said(folder)[:1], "test")[0]
    assert reel.crops.shape == (20, 88, 88)
    assert [p.label for p in reel.phones] == ["SIL", "M", "AA", "SIL"]


def test_training_goes_on_from_weights_of_any_size(folder: Path):
    begun = options(folder)
    fit_lipreader(begun, CPU)
    before = load_lipreader(begun.out).state_dict()
    after = replace(begun, out=folder / "after.safetensors", start=begun.out, network=SMALLER)
    fit_lipreader(replace(after, train=replace(after.train, steps=1, learning_rate=1e-9)), CPU)
    same = load_lipreader(after.out).state_dict()["reduce.weight"]
    torch.testing.assert_close(same, before["reduce.weight"], atol=1e-3, rtol=0)


SMALLER = LipReadOptions(channels=2, width=8, layers=1, heads=2)


def options(folder: Path, **changes) -> LipFitOptions:
    settings = {
        "text": folder / "text.txt",
        "out": folder / "lips.safetensors",
        "cache": folder / "said",
        "network": LipReadOptions(channels=4, width=16, layers=1, heads=2),
        "train": LipTrainOptions(steps=4, batch=2, frames=10, save_every=2, rehearsal=1, looking=1),
    }
    return LipFitOptions(**settings | changes)


def test_sentences_become_weights_that_say_what_they_saw(folder: Path):
    scores = fit_lipreader(options(folder), CPU)
    assert set(scores) == {"phones", "visemes", "lips alone", "constant", "shuffled"}
    record = training_record(folder / "lips.safetensors")
    assert record["sentences"] == 52
    assert set(record["voices"]["training"]).isdisjoint(record["voices"]["test"])
    net = load_lipreader(folder / "lips.safetensors")
    assert net.options.width == 16
    assert net.trigram.exp().sum(-1).sub(1).abs().max() < 0.02
    assert not list(folder.glob("*.state"))


def test_a_run_that_is_stopped_inside_a_step_ends_as_if_it_had_not_been(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    whole, parts = folder / "whole.safetensors", folder / "parts.safetensors"
    fit_lipreader(options(folder, out=whole), CPU)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_inside_step(patch, 3)
        fit_lipreader(options(folder, out=parts), CPU)
    fit_lipreader(options(folder, out=parts), CPU)
    assert same_weights(whole, parts)


def test_clips_without_phones_are_shown_too(folder: Path):
    weights = np.random.default_rng(0).random((20, 1)).astype(np.float32)
    for name in ("a", "left"):
        np.savez(folder / f"{name}.npz", fps=25, arkit=weights, arkit_names=np.array(["jawOpen"]))
        write_wav(folder / f"{name}.wav", np.zeros(12_800))
    chosen = options(folder, data=(folder,), exclude=("left",))
    fit_lipreader(chosen, CPU)
    assert training_record(chosen.out)["clips"] == ["a"]
    with pytest.raises(InputError, match="no clip is called e"):
        fit_lipreader(replace(chosen, exclude=("e",)), CPU)
