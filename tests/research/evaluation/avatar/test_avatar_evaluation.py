"""An avatar against pictures of itself, whole and spoiled."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from captures import CaptureSpec, edit_frames, ring, small_spec, write_capture
from support import Outcome
from torch import Tensor

from avatar.avatar_io.avatar_file import save_avatar
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import load_head
from avatar.reconstruct.capture_reader import open_capture
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from common.errors import InputError
from research.evaluation.avatar.evaluate import evaluate_avatar, spread
from research.evaluation.avatar.scores import REGIONS, mesh_labeller, triangle_regions
from research.evaluation.options import AvatarEvaluationOptions
from splat import Camera, RawGaussians, render

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def open_mouths() -> Tensor:
    """Meshes [3, V, 3] with the jaw shut, open and open."""
    head = load_head()
    return torch.stack([head.vertices + head.express({"jawOpen": a}) for a in (0.0, 0.6, 0.6)])


@pytest.fixture(scope="module")
def folder(
    small_avatar: Avatar, open_mouths: Tensor, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Pictures of the small avatar."""
    rig = avatar_rig(small_avatar, CPU)

    def paint(vertices: Tensor, camera: Camera) -> np.ndarray:
        drawn = render(rig(vertices), camera)
        alpha = drawn.alpha[..., None]
        color = (drawn.color / alpha.clamp(min=1e-6)).clamp(0, 1)
        return (torch.cat([color, alpha], -1) * 255).round().byte().numpy()

    mesh = Mesh(small_avatar.vertices, small_avatar.faces)
    spec = CaptureSpec(mesh, open_mouths, ring(3, (96, 80), 0.9), small_avatar.topology)
    return write_capture(tmp_path_factory.mktemp("evaluated") / "capture", spec, paint)


@pytest.fixture
def options(avatar_file: Path, folder: Path) -> AvatarEvaluationOptions:
    return AvatarEvaluationOptions(avatar_file, folder, device="cpu")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_avatar_is_like_its_own_pictures(options: AvatarEvaluationOptions, split: str):
    means = evaluate_avatar(replace(options, split=split)).means
    assert means.whole.psnr is not None and means.whole.psnr > 48  # eight bits
    assert means.whole.ssim is not None and means.whole.ssim > 0.995
    assert means.whole.views == {"train": 4, "val": 2, "test": 3}[split]
    assert set(means.regions) == {"person", *REGIONS}


def test_a_spoiled_region_shows_in_its_figures(
    options: AvatarEvaluationOptions, small_avatar: Avatar
):
    hair = triangle_regions(load_head(), small_avatar.faces)[small_avatar.binding] == 2
    sh = small_avatar.gaussians.sh.clone()
    sh[hair] -= 1
    save_avatar(
        options.avatar, replace(small_avatar, gaussians=replace(small_avatar.gaussians, sh=sh))
    )
    regions = evaluate_avatar(options).means.regions
    psnr = {name: scores.psnr or 0.0 for name, scores in regions.items()}
    assert psnr["hair"] < 20
    assert psnr["skin"] > psnr["hair"] + 5
    assert min(psnr["eyes"], psnr["mouth"]) > 48


def test_labels_of_the_capture_come_first(
    options: AvatarEvaluationOptions, folder: Path, tmp_path: Path
):
    """All of every picture is labelled hair."""
    copy = tmp_path / "labelled"
    for file in folder.rglob("*.*"):
        (copy / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (copy / file.relative_to(folder)).write_bytes(file.read_bytes())
    imageio.imwrite(copy / "labels.png", np.full((80, 96), 2, np.uint8))
    for split, count in {"train": 4, "val": 2, "test": 3}.items():
        for index in range(count):
            edit_frames(copy, lambda e: e.update(region_path="labels.png"), split, index)
    regions = evaluate_avatar(replace(options, capture=copy)).means.regions
    assert regions["hair"].views == 3
    assert [regions[name].views for name in ("skin", "eyes", "mouth")] == [0, 0, 0]
    imageio.imwrite(copy / "labels.png", np.full((80, 96), 9, np.uint8))
    with pytest.raises(ValueError, match=r"labels\.png: is not a grey picture of region labels"):
        evaluate_avatar(replace(options, capture=copy))


def test_the_views_of_a_sheet_differ_in_timestep_and_camera(folder: Path):
    views = open_capture(folder).splits["train"]  # two timesteps of two cameras
    chosen = {view.image: view for view in views if view.image in spread(views, 2)}
    assert len({view.timestep for view in chosen.values()}) == 2
    assert len({view.camera_id for view in chosen.values()}) == 2
    assert spread(views[:1], 6) == {views[0].image}


def test_regions_are_where_they_belong(folder: Path, open_mouths: Tensor):
    capture = open_capture(folder)
    label = mesh_labeller(load_head(), capture.vertices, capture.faces)
    shut, opened = (
        label(next(v for v in views if v.camera_id == "01"))
        for views in (capture.splits["train"], capture.splits["test"])
    )
    rows = {name: (shut == 1 + k).nonzero().float().mean(0)[0] for k, name in enumerate(REGIONS)}
    assert rows["hair"] < rows["eyes"] < rows["skin"]
    assert int((shut == 4).sum()) == 0
    assert int((opened == 4).sum()) > 10
    assert (opened == 4).nonzero().float().mean(0)[0] > rows["eyes"]


def test_a_mesh_without_a_face_is_measured_without_regions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def no_face(*_: object) -> None:
        raise InputError("no face was found in the mesh")

    monkeypatch.setattr("research.evaluation.avatar.evaluate.face_of", no_face)
    spec = small_spec()
    folder = write_capture(tmp_path / "capture", spec)
    count = len(spec.mesh.faces)
    gaussians = RawGaussians(
        torch.zeros(count, 3),
        torch.ones(count, 4),
        torch.zeros(count, 3),
        torch.zeros(count),
        torch.zeros(count, 1, 3),
    )
    mesh = (spec.mesh.vertices, spec.mesh.faces)
    save_avatar(tmp_path / "a.ply", Avatar(gaussians, torch.arange(count), *mesh, "mesh"))
    means = evaluate_avatar(AvatarEvaluationOptions(tmp_path / "a.ply", folder, device="cpu")).means
    assert means.whole.psnr is not None
    assert {name for name, scores in means.regions.items() if scores.views} == {"person"}
    assert capsys.readouterr().err.count("regions are left out: no face was found") == 1


# --- the command


@pytest.fixture
def run(run_script: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Run scripts/evaluate_avatar.py with arguments, in this process."""
    return partial(run_script, "evaluate_avatar")


def test_the_command_writes_report_and_sheet(
    run: Callable[..., Outcome], avatar_file: Path, folder: Path, tmp_path: Path
):
    report, sheet = tmp_path / "report.json", tmp_path / "sheet.png"
    given = ("--avatar", avatar_file, "--capture", folder, "--split", "val", "--device", "cpu")
    outcome = run(*given, "--report", report, "--sheet", sheet)
    assert outcome.status == 0, outcome.stderr
    assert f"wrote {report} and {sheet}" in outcome.stdout.replace("\n", "")
    assert outcome.stderr.count("LPIPS") == 1
    figures = json.loads(report.read_text())
    assert set(figures) == {
        *("psnr", "ssim", "lpips", "views", "regions", "gap_correlation", "provenance")
    }
    assert set(figures["regions"]) == {"person", "mouth", "eyes", "hair", "skin"}
    assert set(figures["regions"]["mouth"]) == {"psnr", "ssim", "lpips", "views"}
    assert figures["views"] == 2
    assert imageio.imread(sheet).shape[1] > 2 * 96


def other_mesh(path: Path, avatar: Avatar) -> Path:
    faces = avatar.faces.clone()
    faces[0] = faces[0].roll(1)
    save_avatar(path, replace(avatar, faces=faces, topology="mesh"))
    return path


def test_bad_input_ends_in_one_sentence(
    run: Callable[..., Outcome],
    avatar_file: Path,
    folder: Path,
    tmp_path: Path,
    small_avatar: Avatar,
):
    def refuses(*said: str, avatar: Path = avatar_file, capture: Path = folder, **more: object):
        flags = [f"--{key}={value}" for key, value in more.items()]
        outcome = run("--avatar", avatar, "--capture", capture, "--device", "cpu", *flags)
        sentence = outcome.stderr.strip().splitlines()[-1]
        assert outcome.status == 2
        assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
        for words in said:
            assert words in sentence

    refuses("gone.ply", avatar=tmp_path / "gone.ply")
    refuses("nowhere", "no such folder", capture=tmp_path / "nowhere")
    refuses("nowhere", "does not exist", report=tmp_path / "nowhere" / "r.json")
    refuses(avatar_file.name, "named twice", report=avatar_file)
    refuses("r.json", "named twice", report=tmp_path / "r.json", sheet=tmp_path / "r.json")
    another = other_mesh(tmp_path / "other.ply", small_avatar)
    refuses("other.ply", "topology mesh", "anny-head", str(folder), avatar=another)
    for part in ("images", "fg_masks", "vertices"):
        (tmp_path / "bare").mkdir(exist_ok=True)
        (tmp_path / "bare" / part).symlink_to(folder / part)
    for name in ("canonical_mesh.npz", "transforms_train.json", "transforms_val.json"):
        (tmp_path / "bare" / name).symlink_to(folder / name)
    (tmp_path / "bare" / "transforms_test.json").write_text('{"frames": []}')
    refuses("transforms_test.json", "has no frames; use train, val", capture=tmp_path / "bare")


@pytest.mark.gpu
def test_cuda_measures_what_the_cpu_measures(options: AvatarEvaluationOptions, cuda: torch.device):
    on_cpu, on_cuda = (
        evaluate_avatar(replace(options, device=device)).means.whole.psnr
        for device in ("cpu", cuda.type)
    )
    assert on_cpu == pytest.approx(on_cuda, abs=0.01)
