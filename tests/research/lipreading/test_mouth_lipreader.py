"""The lip reader that ships, on renders of phones that it has not seen."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from lip_reels import plain_person

from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.lipreading.decoding import edit_distance, read_phones, visemes
from audio2mesh.lipreading.network import FPS, load_lipreader
from avatar.heads import load_head
from common.network_files import training_record
from research.lipreading.critic import lipreading_loss
from research.lipreading.people import spoken_motion
from research.lipreading.render import mouth_renderer

SAID = [
    *("SIL", "B", "AA", "L", "OW", "M", "AE", "F", "W", "IY", "P", "AO", "SH", "UW", "M", "EY"),
    *("SIL", "V", "AY", "B", "OW", "N", "AH", "P", "IY", "SIL"),
]
HEAD = load_head()
PATH = Path(str(files("audio2mesh"))) / "weights" / "lipreader.safetensors"


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    seconds = [0.3 if phone == SILENCE else 0.14 for phone in SAID]
    ends = np.cumsum(seconds).tolist()
    phones = [Phone(p, end - s, end) for p, s, end in zip(SAID, seconds, ends, strict=True)]
    motion = spoken_motion(plain_person(HEAD), tuple(phones), FPS)
    with torch.no_grad():
        return mouth_renderer(HEAD)(HEAD.vertices + motion.offsets())


def test_it_is_small_and_says_what_it_learned_from():
    record = training_record(PATH)
    assert PATH.stat().st_size < 6_000_000
    assert not {"1114_3_15", "1114_2_05", "1114_3_16"} & set(record["clips"])
    assert not set(record["voices"]["training"]) & set(record["voices"]["test"])
    scores = record["scores"]
    assert scores["phones"] < scores["constant"] - 0.1
    assert scores["phones"] < scores["shuffled"] - 0.05


def test_it_reads_articulated_phones_better_than_reversed_ones(crops: torch.Tensor):
    read = visemes(read_phones(load_lipreader(), crops))
    said = visemes(SAID)
    forward, backward = edit_distance(read, said), edit_distance(read, said[::-1])
    assert forward < 0.75 * len(said)
    assert forward < backward - 2


def test_its_features_tell_a_still_and_a_late_mouth_from_a_dark_one(crops: torch.Tensor):
    net = load_lipreader()
    with torch.no_grad():
        loss = {name: lipreading_loss(net, other, crops).item() for name, other in {
            "itself": crops,
            "darker": 0.6 * crops + 0.05,
            "still": crops[:1].expand_as(crops),
            "late": crops.roll(8, 0),
        }.items()}  # fmt: skip
    assert loss["itself"] < 1e-5
    assert loss["darker"] < 0.05
    assert loss["still"] > 0.4
    assert loss["late"] > 0.4
