from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flame_files import write_flame
from gaussian_avatar_files import PROPERTIES, random_points, write_points, write_trained

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.avatar_io.gaussian_avatars import read_gaussian_avatar, write_gaussian_avatar
from avatar.heads import load_head
from avatar.heads.flame_model import flame_vertices, load_flame, neutral
from avatar.heads.flame_parameters import read_flame_parameters
from avatar.heads.flame_regions import add_teeth
from avatar.rigging.avatar import Avatar
from splat import RawGaussians, read_ply


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame(tmp_path_factory.mktemp("flame"), kind="npz")


def _same(a: Avatar, b: Avatar) -> None:
    """All of two avatars, bit by bit."""
    for name in vars(a):
        x, y = getattr(a, name), getattr(b, name)
        if isinstance(x, RawGaussians):
            assert all(torch.equal(getattr(x, key), getattr(y, key)) for key in vars(x))
        elif isinstance(x, torch.Tensor):
            assert torch.equal(x, y), name
        else:
            assert x == y, name


@pytest.mark.parametrize("teeth", [True, False])
def test_there_and_back_keeps_every_byte(tmp_path: Path, flame: Path, teeth: bool):
    trained = write_trained(tmp_path, teeth=teeth)
    save_avatar(tmp_path / "subj.ply", read_gaussian_avatar(trained, flame))
    back = tmp_path / "back"
    write_gaussian_avatar(back, load_avatar(tmp_path / "subj.ply"))
    assert (back / "point_cloud.ply").read_bytes() == trained.read_bytes()
    with np.load(tmp_path / "flame_param.npz") as a, np.load(back / "flame_param.npz") as b:
        assert set(a) == set(b)
        assert np.array_equal(a["shape"], b["shape"])
        assert np.array_equal(a["static_offset"], b["static_offset"])
        for name in a:
            assert b[name].dtype == np.float32
            assert a[name].shape[1:] == b[name].shape[1:], name
    _same(read_gaussian_avatar(back), load_avatar(tmp_path / "subj.ply"))


def test_the_rest_mesh_is_flame_with_the_persons_shape_and_offset(tmp_path: Path, flame: Path):
    avatar = read_gaussian_avatar(write_trained(tmp_path), flame)
    parameters = read_flame_parameters(tmp_path / "flame_param.npz")
    model = add_teeth(load_flame(flame))
    person = neutral(shape=parameters.shape, static_offset=parameters.static_offset)
    assert avatar.topology == "flame-teeth"
    assert torch.allclose(avatar.vertices, flame_vertices(model, person), atol=1e-6)
    assert (avatar.vertices - model.template).norm(dim=1).max() > 0.002


def _anny(degree: int) -> Avatar:
    head, random = load_head(), np.random.default_rng(0)
    count = len(head.faces)
    gaussians = RawGaussians(
        means=torch.randn(count, 3),
        quats=torch.randn(count, 4),
        log_scales=torch.randn(count, 3),
        opacity_logits=torch.randn(count),
        sh=torch.randn(count, (degree + 1) ** 2, 3),
    )
    binding = torch.from_numpy(random.permutation(count))
    return Avatar(gaussians, binding, head.vertices, head.faces, "anny-head")


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_avatars_of_other_heads_come_back_without_flame(tmp_path: Path, degree: int):
    avatar = _anny(degree)
    write_gaussian_avatar(tmp_path / "out", avatar)
    _same(read_gaussian_avatar(tmp_path / "out"), avatar)
    template = replace(avatar, topology="mesh", template=torch.randn(5000, 3))
    write_gaussian_avatar(tmp_path / "mesh", template)
    _same(read_gaussian_avatar(tmp_path / "mesh" / "point_cloud.ply"), template)
    assert not (tmp_path / "mesh" / "flame_param.npz").exists()


def test_the_file_has_exactly_the_properties_of_the_layout(tmp_path: Path):
    write_gaussian_avatar(tmp_path / "out", _anny(1))
    header = (tmp_path / "out" / "point_cloud.ply").read_bytes().split(b"end_header")[0].decode()
    lines = [line for line in header.splitlines() if line.startswith("property")]
    assert lines == [f"property float {name}" for name in PROPERTIES]
    assert not read_ply(tmp_path / "out" / "point_cloud.ply").gaussians.sh[:, 4:].any()


def test_a_flame_avatar_without_its_parameters_becomes_an_offset_of_flame(
    tmp_path: Path, flame: Path
):
    model = add_teeth(load_flame(flame))
    gaussians = _anny(3).gaussians
    rest = model.template + 0.003 * torch.sin(50 * model.template)
    avatar = Avatar(
        gaussians, torch.arange(len(gaussians.means)), rest, model.faces, model.topology
    )
    with pytest.raises(ValueError, match="--flame"):
        write_gaussian_avatar(tmp_path / "out", avatar)
    assert not (tmp_path / "out").exists()
    write_gaussian_avatar(tmp_path / "out", avatar, flame)
    _same(read_gaussian_avatar(tmp_path / "out"), avatar)
    (tmp_path / "out" / "canonical_mesh.npz").unlink()
    again = read_gaussian_avatar(tmp_path / "out", flame)
    assert (again.vertices - rest).abs().max() < 2e-8


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path, flame: Path):
    trained = write_trained(tmp_path)
    with pytest.raises(ValueError, match=r"flame\.is\.tue\.mpg\.de.*--flame"):
        read_gaussian_avatar(trained)
    with pytest.raises(FileNotFoundError, match=r"generic_model\.pkl: there is no such file"):
        read_gaussian_avatar(trained, tmp_path / "generic_model.pkl")
    (tmp_path / "flame_param.npz").rename(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError, match=r"flame_param\.npz: .*copy it"):
        read_gaussian_avatar(trained, flame)
    with pytest.raises(FileNotFoundError, match=r"point_cloud\.ply"):
        read_gaussian_avatar(tmp_path / "nowhere" / "point_cloud.ply", flame)


def test_a_binding_that_flame_does_not_have_is_named(tmp_path: Path, flame: Path):
    trained = write_trained(tmp_path)
    rows = random_points(np.random.default_rng(0), 10_145)
    write_points(trained, rows)
    with pytest.raises(ValueError, match=r"binding_0 names triangle 10144"):
        read_gaussian_avatar(trained, flame)


def test_parameters_of_a_capture_serve_too(tmp_path: Path, flame: Path):
    """canonical_flame_param.npz: one frame, a jaw of float64, no dynamic_offset; offsets of FLAME
    without teeth, whose teeth stay in place."""
    trained = write_trained(tmp_path, teeth=True)
    with np.load(tmp_path / "flame_param.npz") as data:
        arrays: Any = {name: data[name][:1] for name in data if name != "dynamic_offset"}
        arrays |= {"shape": data["shape"], "jaw_pose": np.array([[0.3, 0, 0]])}
    expected = read_gaussian_avatar(trained, flame)
    arrays["static_offset"] = arrays["static_offset"][:, :5023]
    (tmp_path / "flame_param.npz").unlink()
    np.savez(tmp_path / "canonical_flame_param.npz", **arrays)
    _same(read_gaussian_avatar(trained, flame), expected)
