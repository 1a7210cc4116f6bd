from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from avatar.avatar_io.avatar_file import CHANGES, load_avatar, save_avatar
from avatar.rigging.avatar import Avatar
from avatar.rigging.blendshapes import Blendshapes, ExpressionSpace
from splat import SplatPly, read_ply, write_ply


@pytest.fixture
def avatar(small_avatar: Avatar) -> Avatar:
    return small_avatar


@pytest.fixture
def saved(avatar: Avatar, tmp_path: Path) -> Path:
    path = tmp_path / "subject.ply"
    save_avatar(path, avatar)
    return path


def rewrite(path: Path, **changes: object) -> None:
    """Save the file again with some of its parts changed."""
    write_ply(path, replace(read_ply(path), **changes))


def test_an_avatar_comes_back_as_it_was(saved: Path, avatar: Avatar):
    loaded = load_avatar(saved)
    assert loaded.topology == avatar.topology
    for name in ("binding", "vertices", "faces"):
        assert torch.equal(getattr(loaded, name), getattr(avatar, name)), name
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        assert torch.equal(getattr(loaded.gaussians, name), getattr(avatar.gaussians, name)), name


def test_elements_that_are_not_known_are_passed_over(saved: Path, avatar: Avatar):
    rewrite(saved, tables={"light": torch.arange(9, dtype=torch.uint8)})
    assert torch.equal(load_avatar(saved).gaussians.sh, avatar.gaussians.sh)


def test_no_such_file_is_said(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"gone\.ply"):
        load_avatar(tmp_path / "gone.ply")


def test_a_text_file_is_no_avatar(tmp_path: Path):
    path = tmp_path / "notes.ply"
    path.write_text("these are notes, not Gaussians\n")
    with pytest.raises(ValueError, match=r"notes\.ply"):
        load_avatar(path)


def test_a_truncated_file_is_said_to_be_cut(saved: Path):
    saved.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"subject\.ply"):
        load_avatar(saved)


def test_a_plain_3dgs_file_has_no_binding(saved: Path):
    rewrite(saved, binding=None)
    with pytest.raises(ValueError, match="no binding_0"):
        load_avatar(saved)


def test_bound_gaussians_need_their_mesh(saved: Path):
    rewrite(saved, mesh_vertices=None, mesh_faces=None)
    with pytest.raises(ValueError, match="no rest mesh"):
        load_avatar(saved)


def test_binding_must_name_a_triangle_of_the_mesh(saved: Path, avatar: Avatar):
    binding = avatar.binding.clone()
    binding[5] = len(avatar.faces)
    rewrite(saved, binding=binding)
    with pytest.raises(ValueError, match=f"triangle {len(avatar.faces)}.*{len(avatar.faces)} tri"):
        load_avatar(saved)


def test_vertices_must_be_those_of_the_topology(saved: Path, avatar: Avatar):
    extra = torch.cat([avatar.vertices, torch.zeros(1, 3)])
    rewrite(saved, mesh_vertices=extra)
    with pytest.raises(ValueError, match=r"5000 vertices.*5001"):
        load_avatar(saved)


def test_a_face_list_beyond_the_vertices_is_refused(saved: Path, avatar: Avatar):
    with pytest.raises(ValueError, match=r"subject\.ply|vertices|vertex"):
        rewrite(saved, mesh_vertices=avatar.vertices[:100])
        load_avatar(saved)


def test_faces_must_be_those_of_the_topology(saved: Path, avatar: Avatar):
    rewrite(saved, mesh_faces=avatar.faces.roll(1, 1))
    with pytest.raises(ValueError, match="face list"):
        load_avatar(saved)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("voicesplat_avatar 1", "voicesplat_avatar 9", r"another version \(9\)"),
        ("voicesplat_avatar 1", "someone else", "is missing"),
        ("topology anny-head", "topology squirrel", "'squirrel'.*known: anny-head"),
        ("unit metre", "unit inch", "found inch"),
    ],
)
def test_comments_are_checked(saved: Path, old: str, new: str, sentence: str):
    comments = tuple(new if c == old else c for c in read_ply(saved).comments)
    assert comments != read_ply(saved).comments
    rewrite(saved, comments=comments)
    with pytest.raises(ValueError, match=sentence):
        load_avatar(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_must_be_finite(saved: Path, avatar: Avatar, value: float):
    means = avatar.gaussians.means.clone()
    means[3, 1] = value
    with pytest.raises(ValueError, match=r"subject\.ply"):
        rewrite(saved, gaussians=replace(avatar.gaussians, means=means))
        load_avatar(saved)


def test_there_must_be_gaussians(saved: Path):
    ply = read_ply(saved)
    none = type(ply.gaussians)(*(part[:0] for part in vars(ply.gaussians).values()))
    with pytest.raises(ValueError, match=r"subject\.ply"):
        write_ply(saved, SplatPly(none, None, ply.mesh_vertices, ply.mesh_faces, ply.comments))
        load_avatar(saved)


@pytest.fixture
def expressive(avatar: Avatar) -> Avatar:
    generator = torch.Generator().manual_seed(2)
    directions = torch.randn(4, 7, 3, generator=generator)
    space = ExpressionSpace(torch.arange(5), torch.arange(9, 16), directions, torch.tensor(3.5))
    sizes = torch.logspace(-3, 0, 24).view(6, 4)
    changes = sizes * torch.randn(11, 6, 4, generator=generator)
    return replace(avatar, blendshapes=Blendshapes(space, torch.arange(11), changes))


def test_blendshapes_come_back_to_half_a_step(expressive: Avatar, tmp_path: Path):
    save_avatar(tmp_path / "shapes.ply", expressive)
    loaded, shapes = load_avatar(tmp_path / "shapes.ply").blendshapes, expressive.blendshapes
    assert loaded is not None and shapes is not None
    for name, tensor in vars(shapes.space).items():
        assert torch.equal(getattr(loaded.space, name), tensor), name
    assert torch.equal(loaded.rows, shapes.rows)
    off = (loaded.changes - shapes.changes).abs() / shapes.changes.abs().amax(0)
    assert off.max() <= 0.501 / 127


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("expression_radius", None),
        ("expression_gaussian", torch.full((11,), 1e6)),
        ("expression_point", torch.full((7,), 0.5)),
        ("expression_anchor", -torch.ones(5)),
        ("expression_direction", torch.ones(9, 3)),
        ("expression_size", torch.ones(5)),
        (CHANGES, torch.zeros(7, dtype=torch.uint8)),
    ],
)
def test_blendshapes_must_fit(expressive: Avatar, tmp_path: Path, name: str, table: Tensor | None):
    path = tmp_path / "shapes.ply"
    save_avatar(path, expressive)
    tables = dict(read_ply(path).tables)
    if table is None:
        del tables[name]
    else:
        tables[name] = table
    rewrite(path, tables=tables)
    with pytest.raises(ValueError, match=r"shapes\.ply: its elements expression_\* do not fit"):
        load_avatar(path)
