from functools import cache

import numpy as np
import pytest
import torch
from lip_reels import bright_reel

from audio2mesh.data.phones import BILABIALS, LABIODENTALS, PHONES
from audio2mesh.lipreading.decoding import (
    CHUNK,
    VISEMES,
    decode,
    edit_distance,
    log_probabilities,
    phone_error_rate,
    read_phones,
    visemes,
)
from audio2mesh.lipreading.network import BLANK, LipReadNet, LipReadOptions


def naive_distance(a: str, b: str) -> int:
    @cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        kept = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(kept, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(a), len(b))


@pytest.mark.parametrize("seed", range(20))
def test_the_edit_distance_is_the_naive_one(seed: int):
    rng = np.random.default_rng(seed)
    a, b = ("".join(rng.choice(list("abc"), rng.integers(0, 9))) for _ in range(2))
    assert edit_distance(a, b) == naive_distance(a, b) == edit_distance(b, a)


def test_repeats_merge_and_blanks_part_them():
    labels = [BLANK, PHONES.index("M"), PHONES.index("M"), BLANK, PHONES.index("M")]
    labels += [PHONES.index("SIL"), PHONES.index("AA"), BLANK]
    log_probs = torch.nn.functional.one_hot(torch.tensor(labels), len(PHONES) + 1).float()
    assert decode(log_probs) == ["M", "M", "AA"]


def test_every_phone_has_a_viseme():
    assert set(VISEMES) == set(PHONES)
    assert len({VISEMES[p] for p in BILABIALS}) == 1 == len({VISEMES[p] for p in LABIODENTALS})
    assert visemes(["M", "SIL", "B", "F"]) == [VISEMES["M"], VISEMES["M"], VISEMES["V"]]


def test_long_films_are_read_in_pieces_as_if_they_were_one():
    torch.manual_seed(0)
    net = LipReadNet(LipReadOptions(width=16, layers=1, heads=2)).eval()
    crops = torch.rand(CHUNK + 30, 88, 88)
    pieces, whole = log_probabilities(net, crops), net(crops[None]).log_probs[0]
    assert pieces.shape == whole.shape
    assert (pieces - whole).abs().mean() < 0.1 * whole.std()


def test_the_error_rate_counts_edits_per_true_phone():
    torch.manual_seed(0)
    net = LipReadNet(LipReadOptions(width=16, layers=1, heads=2)).eval()
    crops = torch.from_numpy(bright_reel(10, 0).crops).float() / 255
    read = read_phones(net, crops)
    assert phone_error_rate(net, crops, ["SIL", *read, "M", "SIL"]) == 1 / (len(read) + 1)
    with pytest.raises(ValueError, match="at least one phone"):
        phone_error_rate(net, crops, ["SIL"])
