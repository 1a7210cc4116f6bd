"""The network that completes skin: its grid, its training, and what ships."""

import numpy as np
import pytest
import torch
from PIL import Image
from support import ROOT

from avatar.lighting.symmetry import Observed
from avatar.photo.completion import (
    CHANNELS,
    GRID,
    REACH,
    CompletionNet,
    channels,
    learnt_change,
    load_completion,
)
from research.upkeep.learn_completion import (
    Heads,
    expected_of,
    heads_of,
    lit_head,
    mixed_skin,
    scores,
    train_completion,
)

LIGHT, DARK = "young_lightskinned_female2", "old_darkskinned_male"


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Heads:
    """The library's skins, and one of another folder."""
    folder = tmp_path_factory.mktemp("skins")
    ramp = np.tile(np.linspace(60, 220, 64)[:, None, None], (1, 64, 3)).astype(np.uint8)
    Image.fromarray(ramp).save(folder / "ramp.png")
    return heads_of([folder])


def test_each_cell_has_a_sample_in_it_or_beside_it(heads: Heads):
    cells = heads.form.cells
    middles = (np.indices((GRID, GRID))[::-1].reshape(2, -1).T + 0.5) / GRID * 2 - 1
    away = np.linalg.norm(cells.places[cells.nearest] - middles, axis=1) * GRID / 2
    assert (away[cells.known.ravel()] < REACH).all()
    assert 0.2 < cells.known.mean() < 0.5
    columns, rows = ((cells.places[heads.inside] + 1) / 2 * GRID).astype(int).T
    assert cells.known[rows, columns].mean() > 0.99


def test_the_network_is_told_what_is_seen_and_nothing_else(heads: Heads):
    rng = np.random.default_rng(2)
    radiance, seen = lit_head(heads, heads.albedos[LIGHT], rng)
    assert 0.05 < seen.weight.mean() < 0.6
    expected, _ = expected_of(heads, seen)
    given = channels(seen, expected, heads.form)
    assert given.shape == (CHANNELS, GRID, GRID) and torch.isfinite(given).all()
    assert not given[:, ~torch.from_numpy(heads.form.cells.known)].any()
    other = np.where(seen.weight[:, None] > 0, seen.values, 7.0)
    same = channels(Observed(other, seen.weight), expected, heads.form)
    assert torch.equal(given, same)
    assert radiance.shape == heads.albedos[LIGHT].shape


def test_a_change_that_is_the_same_everywhere_reaches_all_but_the_chest(heads: Heads):
    class Constant(CompletionNet):
        def forward(self, cells: torch.Tensor) -> torch.Tensor:
            return torch.full((len(cells), 3, GRID, GRID), 0.25)

    nothing = Observed(np.ones((len(heads.inside), 3)), np.zeros(len(heads.inside)))
    change = learnt_change(Constant(), nothing, np.zeros((len(heads.inside), 3)), heads.form)
    assert np.allclose(change[heads.form.mm[:, 1] > -45], 0.25)
    assert not change[heads.form.mm[:, 1] < -85].any()


def test_pictures_of_folders_are_skins_too(heads: Heads):
    assert "ramp" in heads.albedos and len(heads.albedos) == 12
    mixed = mixed_skin(heads, [LIGHT, DARK], np.random.default_rng(0))
    assert mixed.shape == heads.albedos[LIGHT].shape and (mixed >= 0).all()


@pytest.mark.slow
def test_training_lowers_the_error_and_is_the_same_again(heads: Heads):
    names = [name for name in heads.albedos if name not in ("ramp", LIGHT)]
    first, again = (train_completion(heads, names, 3, 3) for _ in range(2))
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    before, after = scores(heads, train_completion(heads, names, 10, 12), LIGHT, 2)
    assert after < 0.95 * before


@pytest.mark.parametrize("name", [LIGHT, DARK, "ramp"])
def test_what_ships_completes_skin_better_than_the_nearest_picture(heads: Heads, name: str):
    before, after = scores(heads, load_completion(), name, 2)
    assert after < (1.0 if name == "ramp" else 0.8) * before


def test_what_ships_is_small_and_read_whole():
    path = ROOT / "avatar" / "photo" / "data" / "completion.npz"
    assert path.stat().st_size < 1.5e6
    net = load_completion()
    assert not net.training and float(net.deviation.min()) > 0
