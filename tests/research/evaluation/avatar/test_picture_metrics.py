"""The figures are what their names say."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from research.evaluation.avatar import scores as metrics
from research.evaluation.avatar.evaluate import Compared, face_window, rows_of
from research.evaluation.avatar.scores import (
    Scores,
    ViewScores,
    local_lpips,
    mean_scores,
    psnr,
    score_view,
    ssim,
)
from research.evaluation.sheet import GAIN, GAP, HEADER, TALL, write_rows


@pytest.fixture
def truth() -> Tensor:
    return torch.rand(20, 28, 3, generator=torch.Generator().manual_seed(0)) * 0.8


def test_a_constant_error_has_the_psnr_of_its_size(truth: Tensor):
    assert psnr(truth + 0.1, truth) == pytest.approx(20, abs=1e-3)
    assert psnr(truth + 0.01, truth) == pytest.approx(40, abs=1e-2)
    assert psnr(truth, truth) == 100


def test_a_region_counts_its_own_pixels(truth: Tensor):
    where = torch.zeros(20, 28, dtype=torch.bool)
    where[:5] = True
    spoiled = truth.clone()
    spoiled[where] += 0.1
    assert psnr(spoiled, truth, where) == pytest.approx(20, abs=1e-3)
    assert psnr(spoiled, truth, ~where) == 100


def naive_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the windows that fit, by the book."""
    ticks = np.arange(11) - 5
    window = np.exp(-(ticks[:, None] ** 2 + ticks**2) / (2 * 1.5**2))
    window /= window.sum()
    found = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            x, y = (p[row : row + 11, column : column + 11] for p in (a, b))
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            top = (2 * mx * my + 1e-4) * (2 * cov + 9e-4)
            found.append(top / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    return float(np.mean(found))


def test_ssim_is_that_of_the_paper(truth: Tensor):
    other = (truth + 0.1 * torch.rand(truth.shape, generator=torch.Generator())).clamp(0, 1)
    expected = np.mean([naive_ssim(truth[..., c].numpy(), other[..., c].numpy()) for c in range(3)])
    index, local = ssim(other, truth)
    assert local.shape == truth.shape[:2]
    assert float(local[5:-5, 5:-5].mean()) == pytest.approx(expected, abs=1e-4)
    assert float(local.mean()) == pytest.approx(index, abs=1e-6)
    assert ssim(truth, truth)[0] == pytest.approx(1)


def test_ssim_is_that_of_torchmetrics_up_to_the_border(truth: Tensor):
    other = (truth + 0.2 * torch.rand(truth.shape, generator=torch.Generator())).clamp(0, 1)
    a, b = (picture.permute(2, 0, 1)[None] for picture in (other, truth))
    index, full = structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)
    found, local = ssim(other, truth)
    assert found == pytest.approx(float(index), abs=1e-5)
    assert torch.allclose(local, full[0].mean(0), atol=2e-5)


def test_lpips_says_that_its_library_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics, "find_spec", lambda name: None)
    lpips, words = local_lpips()
    assert lpips is None
    assert "torchvision" in words and "\n" not in words


def test_lpips_never_downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """As if torchvision were installed: its weights are looked for where torch keeps them."""
    entry = SimpleNamespace(url="https://somewhere/alexnet-owt-1234.pth")
    models = SimpleNamespace(AlexNet_Weights=SimpleNamespace(DEFAULT=entry))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    monkeypatch.setattr(metrics, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    lpips, words = local_lpips()
    assert lpips is None
    assert str(tmp_path / "checkpoints" / "alexnet-owt-1234.pth") in words
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "alexnet-owt-1234.pth").touch()
    assert local_lpips()[0] is not None


def test_regions_are_scored_where_they_are_seen(truth: Tensor):
    labels = torch.zeros(20, 28, dtype=torch.int64)
    labels[:8], labels[8:12], labels[12, :3] = 1, 4, 3
    drawn = truth.clone()
    drawn[:8] += 0.1
    scores = score_view(drawn, truth, labels, labels > 0, None)
    assert set(scores.regions) == {"skin", "mouth", "person"}  # three pixels of eye are no eye
    assert scores.regions["skin"].psnr == pytest.approx(20, abs=1e-3)
    assert scores.regions["mouth"].psnr == 100
    skin, mouth = (scores.regions[name].ssim for name in ("skin", "mouth"))
    assert skin is not None and mouth is not None and skin < mouth
    assert scores.whole.lpips is None
    whole, person = scores.whole.psnr, scores.regions["person"].psnr
    assert whole is not None and person is not None
    assert whole - person == pytest.approx(10 * np.log10(20 * 28 / (12 * 28 + 3)), abs=1e-3)


def test_lpips_is_taken_where_there_is_one(truth: Tensor):
    nobody = torch.zeros(20, 28)
    scores = score_view(truth, truth, nobody, nobody > 0, lambda drawn, seen: 0.25)
    assert scores.whole.lpips == 0.25


def test_means_are_over_the_views_that_show_a_region():
    one = ViewScores(Scores(20.0, 0.5, None), {"eyes": Scores(10.0, 0.5, None)})
    two = replace(one, whole=Scores(30.0, 1.0, None), regions={})
    means = mean_scores([one, two])
    assert means.whole == Scores(25.0, 0.75, None, 2)
    assert means.regions["eyes"] == Scores(10.0, 0.5, None, 1)
    assert means.regions["mouth"] == Scores(None, None, None, 0)


def test_a_sheet_shows_truth_drawing_and_difference(tmp_path: Path):
    truth = torch.linspace(0, 0.8, 28)[:, None].expand(20, 28, 3).clone()
    drawn, near = (truth + 0.05).clamp(0, 1), (slice(5, 15), slice(7, 21))
    rows = rows_of([Compared("one", truth, drawn, near), Compared("two", truth, drawn, near)])
    shown = [row.tiles[1][1] for row in rows]
    expected = (truth, drawn, GAIN * (drawn - truth).abs(), truth[near], drawn[near])
    assert all(map(torch.equal, shown, expected))
    write_rows(tmp_path / "sheet.png", rows, "made from a film")
    picture = Image.open(tmp_path / "sheet.png")
    assert picture.info["Comment"] == "made from a film"
    width = 28 * TALL // 20
    assert picture.size == (2 * (width + GAP), 5 * (TALL + 2 * HEADER))
    tile = np.asarray(picture.crop((0, 2 * HEADER, width, 2 * HEADER + TALL)).resize((28, 20)))
    assert np.abs(tile / 255 - truth.numpy()).mean() < 0.03
    assert (np.asarray(picture)[: 2 * HEADER] < 128).any()  # words


def test_the_face_is_shown_from_near():
    labels = torch.ones(100, 80, dtype=torch.int64)
    labels[40:43, 20:60], labels[60:62, 35:45] = 3, 4
    rows, columns = face_window(labels)
    assert 0 <= rows.start < 40 and 62 < rows.stop <= 100
    assert 0 <= columns.start < 20 and 60 < columns.stop <= 80
    shape = (rows.stop - rows.start) / (columns.stop - columns.start)
    assert shape == pytest.approx(100 / 80, rel=0.05)
    corner = torch.zeros(100, 80, dtype=torch.int64)
    corner[:2, :2] = 3
    rows, columns = face_window(corner)
    assert rows.start == columns.start == 0 and rows.stop >= 100 / 6 - 1
    rows, columns = face_window(torch.zeros(100, 80))
    assert rows.start < 50 < rows.stop and columns.start < 40 < columns.stop
