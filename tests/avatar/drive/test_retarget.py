"""Weights of one topology on a mesh of another."""

from pathlib import Path

import pytest
import torch
from flame_files import write_flame
from speech_models import tiny_model
from torch import Tensor

from audio2mesh import SpeechToMotion
from avatar.avatar_io.motion_file import SavedMotion, motion_writer
from avatar.drive.retarget import retarget_basis, retargeted, with_teeth
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.flame_model import FlameModel, flame_vertices, load_flame, neutral
from avatar.heads.flame_regions import LOWER_TEETH, UPPER_TEETH, add_teeth
from avatar.retarget.fitted_face import Face, face_of, shipped_face

LOWER, UPPER = torch.tensor(LOWER_TEETH), torch.tensor(UPPER_TEETH)


@pytest.fixture(scope="module")
def flame_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame(tmp_path_factory.mktemp("flame"), seed=1)


@pytest.fixture(scope="module")
def flame(flame_file: Path) -> FlameModel:
    return add_teeth(load_flame(flame_file))


@pytest.fixture(scope="module")
def toothed(flame: FlameModel, tmp_path_factory: pytest.TempPathFactory) -> Face:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESPLAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        return face_of(Mesh(flame.template, flame.faces), flame.topology)


def model_of(topology: str, basis: Tensor) -> SpeechToMotion:
    model = tiny_model()
    model.topology, model.basis = topology, basis
    return model


def test_a_mesh_of_the_same_topology_takes_the_basis_as_it_is(capsys: pytest.CaptureFixture[str]):
    face = shipped_face()
    model = model_of("anny-head", face.head.units[:3])
    assert torch.equal(retarget_basis(model, face, "w", None), model.basis)
    assert capsys.readouterr().err == ""


def test_another_mesh_is_told_in_one_line(toothed: Face, capsys: pytest.CaptureFixture[str]):
    model = model_of("anny-head", shipped_face().head.units[:3])
    carried = retarget_basis(model, toothed, "w", None)
    said = capsys.readouterr().err
    lips = toothed.head.regions["lips"]
    assert torch.allclose(carried[:, lips], toothed.head.units[:3, lips], atol=1e-6)
    assert said.count("\n") == 1
    assert "from anny-head to flame-teeth (5143 vertices), fitted to 0." in said


@pytest.mark.parametrize("jaw", [[0.1, 0.0, 0.0], [0.2, 0.0, 0.0], [0.1, 0.03, 0.02]])
def test_teeth_follow_the_jaw(flame: FlameModel, toothed: Face, jaw: list[float]):
    true = flame_vertices(flame, neutral(jaw=torch.tensor(jaw))) - flame.template
    found = with_teeth(true[None, :5023], toothed.head)[0]
    assert torch.equal(found[:5023], true[:5023])
    assert not found[UPPER].any()
    apart = (found[LOWER] - true[LOWER]).norm(dim=1).mean()
    assert apart < 0.12 * true[LOWER].norm(dim=1).mean()


def test_teeth_keep_their_shape(flame: FlameModel, toothed: Face):
    """However the skin moves, the lower teeth move as one: linearly, a small rigid motion."""
    wild = torch.randn(1, 5023, 3, generator=torch.manual_seed(0)) * 0.01
    moved = with_teeth(wild.double(), toothed.head)[0, LOWER]
    rest = toothed.mesh.vertices[LOWER].double()
    stretch = (moved[:, None] - moved) * (rest[:, None] - rest)  # [60, 60, 3]
    assert moved.norm(dim=1).max() > 1e-4
    assert stretch.sum(-1).abs().max() < 1e-9


def test_the_whole_face_of_expressions_leaves_the_teeth_nearly_still(
    flame: FlameModel, toothed: Face
):
    raised = torch.zeros(100)
    raised[0] = 1
    brows = flame_vertices(flame, neutral(expression=raised)) - flame.template
    assert brows.norm(dim=1).max() > 0.003
    assert with_teeth(brows[None, :5023], toothed.head)[0, LOWER].norm(dim=1).max() < 1e-4


def test_flame_weights_reach_teeth_by_themselves(flame: FlameModel, toothed: Face):
    model = model_of("flame", torch.randn(2, 5023, 3))
    carried = retarget_basis(model, toothed, "w", None)
    assert torch.allclose(carried, with_teeth(model.basis, toothed.head), atol=1e-5)


def test_flame_weights_on_another_head_need_flame(toothed: Face):
    model = model_of("flame", torch.randn(2, 5023, 3))
    with pytest.raises(ValueError, match=r"my\.safetensors move flame \(5023 vertices\).*--flame"):
        retarget_basis(model, shipped_face(), Path("my.safetensors"), None)


@pytest.mark.parametrize(("topology", "size"), [("biwi", 23370), ("flame", 77), ("anny-head", 12)])
def test_weights_of_unknown_topology_are_refused(topology: str, size: int):
    model = model_of(topology, torch.zeros(2, size, 3))
    with pytest.raises(ValueError, match=f"w move {topology}.*{size}.*use weights"):
        retarget_basis(model, shipped_face(), "w", None)


def test_a_face_of_flame_knows_its_lips_by_number(toothed: Face):
    upper = toothed.mesh.vertices[toothed.head.regions["lip_inner_upper"]]
    lower = toothed.mesh.vertices[toothed.head.regions["lip_inner_lower"]]
    assert len(upper) == len(lower) == 15
    assert (upper - lower).norm(dim=1).max() < 0.003
    assert (upper[1:, 0] > upper[:-1, 0]).all()


def test_a_known_template_is_not_fitted_again(flame: FlameModel, toothed: Face, monkeypatch):
    monkeypatch.setattr(
        "avatar.retarget.registration.registered", lambda *_: pytest.fail("fitted again")
    )
    again = face_of(toothed.mesh, "flame-teeth", toothed.fitted)
    assert torch.equal(again.head.units, toothed.head.units)
    assert again.residual_mm is None


def test_flame_weights_move_anny_head(flame_file: Path, monkeypatch, tmp_path: Path):
    """jawOpen of a FLAME head, carried to anny-head, is anny-head's own jawOpen."""
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path))
    bare = load_flame(flame_file)
    there = face_of(Mesh(bare.template, bare.faces), "flame")
    model = model_of("flame", there.head.unit("jawOpen")[None])
    face = shipped_face()
    back = retarget_basis(model, face, "w", flame_file)[0]
    lips = face.head.regions["lips"]
    true = face.head.unit("jawOpen")[lips]
    assert (back[lips] - true).norm(dim=1).mean() < 0.08 * true.norm(dim=1).mean()


def test_saved_motion_of_flame_keeps_its_lips_on_a_head_with_teeth(
    flame: FlameModel, toothed: Face, tmp_path: Path, monkeypatch
):
    """Both ways, without a way through anny-head."""
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path))
    bare = Mesh(flame.template[:5023], flame.faces[:9976])
    offsets, poses = torch.randn(3, 5023, 3) * 0.01, torch.eye(4).expand(3, 4, 4)
    there = SavedMotion(tmp_path / "bare.npz", bare, "flame", 25.0, poses)
    with motion_writer(there, {}) as append:
        for frame in offsets.numpy():
            append(frame)
    motion = retargeted(there, toothed)
    (found,) = motion.offsets()
    assert torch.allclose(found, with_teeth(offsets, toothed.head), atol=1e-7)
    monkeypatch.setattr("avatar.drive.retarget.motion_chunks", lambda _: iter([found]))
    back = SavedMotion(there.path, toothed.mesh, "flame-teeth", 25.0, poses, toothed.fitted)
    (again,) = retargeted(back, face_of(bare, "flame")).offsets()
    assert torch.equal(again, offsets)
