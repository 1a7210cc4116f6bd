"""A scan becomes an avatar whose lips part over teeth and whose lids close over its eyes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from coloured_scans import face_colours, grown_together, painted, write_scan
from head_meshes import sealed_scan, subdivided, whole_head
from scipy.spatial.transform import Rotation

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.geometry.coloured import ColouredMesh
from avatar.geometry.edges import open_edges
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.heads import Head, load_head
from avatar.retarget.operator import head_on
from avatar.retarget.scan_avatar import Made, avatar_of_scan, make_avatar
from avatar.retarget.scan_cut import mouth_line
from avatar.retarget.scan_inner_mouth import PARTS, lining_triangles
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import orbit, render

HEAD = load_head()
FITTED = HEAD.vertices.double().numpy()
LINE = mouth_line(HEAD, FITTED)
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}


@pytest.fixture(scope="module")
def scan() -> ColouredMesh:
    return grown_together(subdivided(sealed_scan()))


@pytest.fixture(scope="module")
def made(scan: ColouredMesh) -> Made:
    return make_avatar(HEAD, scan, FITTED)


@pytest.fixture(scope="module")
def head(made: Made) -> Head:
    avatar = made.avatar
    return head_on(HEAD, Mesh(avatar.vertices, avatar.faces), HEAD.vertices, "mesh")[0]


def picture(
    avatar: Avatar, vertices: torch.Tensor, place: tuple[float, ...], width: float
) -> Floats:
    camera = orbit(torch.tensor(place), 1.2, 0.0, 0.0, np.degrees(width / 1.2), 200, 200)
    with torch.no_grad():
        gaussians = avatar_rig(avatar, torch.device("cpu"))(vertices)
        return render(gaussians, camera).color.clamp(0, 1).numpy()


def surface(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return torch.linalg.cross(b - a, c - a).norm(dim=1) / 2


def test_closed_lips_are_the_scan_as_it_was(scan: ColouredMesh, made: Made):
    assert made.cut > 0.85 and made.inner_mouth and made.eyes == 2
    assert made.avatar.topology == "mesh"
    template = made.avatar.template
    assert template is not None and torch.equal(template, HEAD.vertices)
    mouth = (0.0, -0.05, 0.09)
    colours = face_colours(made.avatar.vertices.double().numpy())
    drawn = picture(made.avatar, made.avatar.vertices, mouth, 0.06)
    skin = colours[(made.avatar.vertices - torch.tensor(mouth)).norm(dim=1).numpy() < 0.03]
    # No tooth is as white as this, no cavity as dark: all colours are the skin's own.
    low, high = skin.min(0) - 0.05, skin.max(0) + 0.05
    assert ((drawn > low) & (drawn < high)).all(axis=-1).mean() > 0.995


def test_lips_part_as_anny_heads_do(made: Made, head: Head):
    avatar = made.avatar
    rim = avatar.vertices[np.unique(open_edges(avatar.faces.numpy()))].double().numpy()
    along, height, front = LINE.local(rim)
    at_lips = (np.abs(height) < 0.0015) & (np.abs(front) < 0.006) & (np.abs(along) < 0.02)
    assert at_lips.sum() > 40
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    true_upper, true_lower = (HEAD.regions[f"lip_inner_{s}"] for s in ("upper", "lower"))
    assert (avatar.vertices[upper] - avatar.vertices[lower]).norm(dim=1).max() < 0.002
    for name, weight in (("jawOpen", 0.5), ("mouthFunnel", 0.7)):
        posed = avatar.vertices + head.express({name: weight})
        gap = (posed[upper] - posed[lower])[:, 1]
        truth = HEAD.express({name: weight})[true_upper] - HEAD.express({name: weight})[true_lower]
        assert torch.allclose(gap[3:-3], truth[3:-3, 1], atol=0.0015)


def test_no_skin_bridges_the_open_mouth(made: Made, head: Head):
    avatar = made.avatar
    posed = avatar.vertices + head.express({"jawOpen": 0.6})
    corners = posed[avatar.faces]
    tall = (corners[:, :, 1].amax(1) - corners[:, :, 1].amin(1)).numpy()
    along, height, front = LINE.local(avatar.vertices[avatar.faces].mean(1).double().numpy())
    at_lips = (np.abs(height) < 0.004) & (np.abs(front) < 0.004) & (np.abs(along) < 0.017)
    assert at_lips.sum() > 100
    assert tall[at_lips].max() < 0.008  # the mouth is open by some 20 mm


def test_teeth_show_in_the_open_mouth(made: Made, head: Head):
    mouth = (0.0, -0.055, 0.09)
    avatar = made.avatar
    posed = avatar.vertices + head.express({"jawOpen": 0.6})
    open_, shut = (picture(avatar, v, mouth, 0.05) for v in (posed, avatar.vertices))

    def white(image: Floats) -> float:
        return float(((image.min(-1) > 0.55) & (np.ptp(image, axis=-1) < 0.12)).mean())

    assert white(open_) > 0.01 and white(shut) == 0.0
    assert open_.min() < 0.3  # and it is dark behind them


def test_lids_close_over_the_painted_eyes(made: Made, head: Head):
    avatar = made.avatar
    for x in (-0.031, 0.031):
        eye = (x, 0.018, 0.08)
        blue = [
            float((image[..., 2] > image[..., 0] + 0.2).mean())
            for image in (
                picture(avatar, avatar.vertices, eye, 0.04),
                picture(avatar, avatar.vertices + head.express(BLINK), eye, 0.04),
            )
        ]
        assert blue[0] > 0.05 and blue[1] < 0.1 * blue[0]


def test_a_scan_with_a_mouth_and_eyes_of_its_own_keeps_them():
    known = whole_head()
    made = make_avatar(HEAD, painted(known), FITTED)
    assert (made.cut, made.eyes, made.inner_mouth) == (0.0, 0, False)
    assert torch.equal(made.avatar.vertices, known.mesh.vertices)
    assert torch.equal(made.avatar.faces, known.mesh.faces)


def test_a_scan_with_a_hole_for_a_mouth_is_not_cut_but_gets_teeth():
    scan = grown_together(sealed_scan())
    along, height, front = LINE.local(scan.vertices[scan.faces].mean(1).astype(float))
    hole = (np.abs(along) < 0.028) & (np.abs(height) < 0.006) & (np.abs(front) < 0.02)
    mesh = Mesh(scan.mesh.vertices, scan.mesh.faces[torch.from_numpy(~hole)])
    holed = ColouredMesh(mesh, scan.paint.of(np.flatnonzero(~hole)))
    made = make_avatar(HEAD, holed, FITTED)
    assert made.cut == 0.0 and made.inner_mouth


def test_the_lining_is_one_sheet_behind_the_lips():
    triangles = HEAD.faces.numpy()[lining_triangles(HEAD)]
    _, _, front = LINE.local(FITTED[np.unique(triangles)])
    assert front.max() < 0.004 and front.min() < -0.07
    inner = np.isin(HEAD.regions["inner_mouth"].numpy(), triangles)
    assert inner.mean() > 0.5
    rim = np.unique(open_edges(triangles))
    lips = np.concatenate([HEAD.regions[f"lip_inner_{side}"] for side in ("upper", "lower")])
    assert np.isin(lips, rim).all()
    assert not np.isin(HEAD.group_faces(*PARTS).numpy(), lining_triangles(HEAD)).any()


def test_a_file_of_any_scale_and_turn_becomes_an_upright_avatar_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    upright = grown_together(sealed_scan())
    turn = Rotation.from_euler("yx", [25, 90], degrees=True).as_matrix()
    vertices = torch.from_numpy(1000 * upright.vertices @ turn.T + [300, -20, 50]).float()
    in_mm = ColouredMesh(Mesh(vertices, upright.mesh.faces), upright.paint)
    path = write_scan(tmp_path / "scan.glb", in_mm)
    avatar = avatar_of_scan(path)
    said = capsys.readouterr().err
    assert "scan.glb: the head was turned: its up is +z\n" in said
    assert "scan.glb" in said and "lips were parted" in said and "teeth and tongue added" in said
    assert avatar.template is not None
    lips = avatar.template[HEAD.regions["lips"]] - HEAD.vertices[HEAD.regions["lips"]]
    assert lips.norm(dim=1).mean() < 0.004  # metres, head space
    save_avatar(tmp_path / "avatar.ply", avatar)
    loaded = load_avatar(tmp_path / "avatar.ply")
    assert torch.equal(loaded.faces, avatar.faces) and torch.equal(loaded.binding, avatar.binding)
    assert torch.allclose(loaded.vertices, avatar.vertices)


def test_a_mesh_that_is_no_head_is_refused_by_name(tmp_path: Path):
    grid = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), -1).reshape(-1, 2)
    vertices = np.column_stack([grid, np.zeros(len(grid))])
    lines = [f"v {x} {y} {z}" for x, y, z in vertices]
    corner = [i for i in range(380) if i % 20 < 19]
    lines += [f"f {i + 1} {i + 2} {i + 22}\nf {i + 1} {i + 22} {i + 21}" for i in corner]
    (tmp_path / "wall.obj").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"wall\.obj.*--landmarks"):
        avatar_of_scan(tmp_path / "wall.obj")
