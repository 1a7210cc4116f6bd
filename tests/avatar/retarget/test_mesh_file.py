"""Coloured meshes from files: shape, seams, colours, and one sentence for what cannot be read."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
import trimesh
from coloured_scans import painted, write_scan, write_textured_obj
from head_meshes import sealed_scan

from avatar.avatar_io.avatar_file import save_avatar
from avatar.geometry.coloured import colours_at, texture_at
from avatar.geometry.edges import open_edges, welded
from avatar.geometry.mesh_file import PLAIN, _load, read_mesh
from avatar.rigging.avatar import Avatar
from common.errors import InputError

TETRA = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
SIDES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".glb"])
def test_shape_and_vertex_colours_survive(tmp_path: Path, suffix: str):
    scan = painted(sealed_scan())
    read = read_mesh(write_scan(tmp_path / f"scan{suffix}", scan))
    assert torch.allclose(read.mesh.vertices, scan.mesh.vertices, atol=1e-6)
    assert torch.equal(read.mesh.faces, scan.mesh.faces)
    tolerance = 1 / 255 if suffix != ".glb" else 0.03  # 8 bits of linear light are coarse in shade
    assert np.abs(read.paint.rgb - scan.paint.rgb).max() < tolerance


def test_textures_are_bilinear_and_repeat():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    uv = rng.uniform(-1.5, 1.5, (40, 2))
    for (u, v), colour in zip(uv, texture_at(picture, uv), strict=True):
        column, row = (u % 1) * 7 - 0.5, ((1 - v) % 1) * 5 - 0.5
        expected = np.zeros(3)
        for r in range(-2, 8):
            for c in range(-2, 10):
                near = max(0, 1 - abs(r - row)) * max(0, 1 - abs(c - column))
                expected += near * picture[r % 5, c % 7] / 255
        assert np.allclose(colour, expected)


def test_a_textured_obj_is_one_surface_with_the_textures_colours(tmp_path: Path):
    uv = np.random.default_rng(1).uniform(0.1, 0.9, (4, 3, 2))  # every edge is a seam
    path = write_textured_obj(tmp_path, TETRA, SIDES, uv)
    picture = np.random.default_rng(2).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    iio.imwrite(tmp_path / "texture.png", picture)
    scan = read_mesh(path)
    assert scan.vertices.shape == (4, 3) and len(open_edges(scan.faces)) == 0
    weights = np.full((4, 3), 1 / 3)
    for triangle, colour in enumerate(colours_at(scan.paint, np.arange(4), weights)):
        places = scan.vertices[scan.faces[triangle]]
        same = [{*map(tuple, places)} == {*map(tuple, TETRA[side])} for side in SIDES]
        expected = texture_at(picture, uv[same.index(True)].mean(0)[None])[0]
        assert np.allclose(colour, expected, atol=1e-6)


def test_the_places_of_a_scenes_nodes_count(tmp_path: Path):
    scene = trimesh.Scene()
    shift, mirror = np.eye(4), np.diag([-2.0, 2, 2, 1])
    shift[:3, 3] = [5, 0, 0]
    solid = trimesh.Trimesh(TETRA, SIDES, process=False)
    scene.add_geometry(solid, node_name="one", geom_name="t", transform=shift)
    scene.graph.update("two", "world", matrix=mirror, geometry="t")
    scene.export(tmp_path / "two.glb")
    scan = read_mesh(tmp_path / "two.glb")
    corners = scan.vertices[scan.faces].astype(float)
    volume = np.einsum("mi,mi->m", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    first = scan.vertices[scan.faces[:, 0], 0] >= 5 - 1e-6
    assert len(scan.faces) == 8
    assert np.isclose(volume.sum(), (1 + 8) / 6)  # the mirrored one is not inside out
    assert 4 <= first.sum() <= 8


def test_sheets_that_only_touch_are_not_sewn():
    """Lips meet in the same places as a seam does, but not with open edges."""
    line = np.array([[0, 0, 0], [1, 0, 0.0]])
    shifts = np.array([[0, 1, 0], [0, 0, 0], [0, 0.5, -1]])
    upper = (line[None] + shifts[:, None]).reshape(-1, 3)
    lower = upper * [1, -1, 1]
    strip = np.array([[0, 2, 1], [1, 2, 3], [2, 4, 3], [3, 4, 5]])
    faces = np.concatenate([strip, strip[:, ::-1] + len(upper)])
    vertices, sewn, kept = welded(np.concatenate([upper, lower]), faces)
    assert len(vertices) == 12 and np.array_equal(sewn, faces) and len(kept) == 8


def test_loose_triangles_become_one_surface():
    ball = trimesh.creation.icosphere(3)
    loose = np.asarray(ball.vertices)[ball.faces]
    vertices, faces, _ = welded(loose.reshape(-1, 3), np.arange(loose.size // 3).reshape(-1, 3))
    assert len(vertices) == len(ball.vertices) and len(open_edges(faces)) == 0
    assert np.array_equal(vertices[faces], loose)


def test_texture_coordinates_without_a_material_are_no_texture(tmp_path: Path):
    lines = [f"v {x} {y} {z}\nvt {x} {y}" for x, y, z in TETRA]
    lines += ["f " + " ".join(f"{v + 1}/{v + 1}" for v in side) for side in SIDES]
    (tmp_path / "bare.obj").write_text("\n".join(lines))
    scan = read_mesh(tmp_path / "bare.obj")
    assert scan.paint.textures == () and (scan.paint.texture == -1).all()
    assert (scan.paint.rgb == PLAIN).all()


@pytest.mark.parametrize("key", ["map_Kd", "MAP_KD"])
def test_a_texture_outside_the_folder_is_refused_however_its_key_is_written(
    tmp_path: Path, key: str
):
    (tmp_path / "scan").mkdir()
    path = write_textured_obj(tmp_path / "scan", TETRA, SIDES, np.zeros((4, 3, 2)))
    iio.imwrite(tmp_path / "secret.png", np.zeros((2, 2, 3), np.uint8))
    path.with_name("scan.mtl").write_text(f"newmtl skin\n{key} ../secret.png\n")
    with pytest.raises(InputError, match=r"secret\.png, which lies outside its folder"):
        read_mesh(path)


def test_a_material_file_outside_the_folder_is_never_read(tmp_path: Path):
    """.. not even where the name stands in the middle of a line, in which trimesh looks as well."""
    (tmp_path / "secret.mtl").write_text("newmtl skin\nKd 1 0 0\n")
    (tmp_path / "scan").mkdir()
    path = tmp_path / "scan" / "scan.obj"
    path.write_text("# mtllib ../secret.mtl\nusemtl skin\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (geometry,) = _load(path).geometry.values()
    assert geometry.visual.main_color[1] > 0  # not the red of the secret


@pytest.mark.parametrize(
    ("name", "kind"), [("gone.png", FileNotFoundError), ("../a.png", ValueError)]
)
@pytest.mark.parametrize("key", ["TextureFile", "texturefile"])
def test_the_texture_that_a_ply_names_must_lie_beside_it(
    tmp_path: Path, name: str, kind: type, key: str
):
    path = write_scan(tmp_path / "scan.ply", painted(sealed_scan()))
    header, end, rest = path.read_bytes().partition(b"element vertex")
    path.write_bytes(header + f"comment {key} {name}\n".encode() + end + rest)
    with pytest.raises(kind, match=rf"scan\.ply names the texture {name}"):
        read_mesh(path)


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, small_avatar: Avatar):
    obj = write_textured_obj(tmp_path, TETRA, SIDES, np.zeros((4, 3, 2)))
    cases: dict[str, tuple[Path, type[Exception], str]] = {
        "no texture": (obj, FileNotFoundError, "texture.png")
    }
    (tmp_path / "alone").mkdir()
    lonely = tmp_path / "alone" / "scan.obj"
    lonely.write_text(obj.read_text())
    cases["no material"] = (lonely, FileNotFoundError, "scan.mtl")
    spy = tmp_path / "alone" / "spy.obj"
    spy.write_text("mtllib ../scan.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    cases["outside"] = (spy, ValueError, "outside its folder")
    texts = {
        "empty.obj": ("", "triangles"),
        "points.obj": ("v 0 0 0\nv 1 0 0\n", "triangles"),
        "nan.obj": ("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "finite"),
        "flat.obj": ("v 0 0 0\nv 1 0 0\nf 1 2 1\n", "points or lines"),
        "garbage.glb": ("not a glb at all", "not a readable .glb"),
        "garbage.ply": ("ply\nformat ascii 1.0\nelement vertex x\n", "triangles"),
        "count.ply": ("ply\nformat ascii 1.0\nelement face 8x\nend_header\n", "without triangles"),
        "scan.fbx": ("Kaydara", "must be one of"),
    }
    for name, (text, part) in texts.items():
        (tmp_path / name).write_text(text)
        cases[name] = (tmp_path / name, InputError, part)
    save_avatar(tmp_path / "splats.ply", small_avatar)
    cases["splats"] = (tmp_path / "splats.ply", ValueError, "Gaussians")
    cases["absent"] = (tmp_path / "absent.glb", FileNotFoundError, "no such file")
    for case, (path, kind, part) in cases.items():
        with pytest.raises(kind) as caught:
            read_mesh(path)
        message = str(caught.value)
        assert part in message and path.name in message, (case, message)
        assert "\n" not in message


def test_a_truncated_file_is_refused(tmp_path: Path):
    scan = painted(sealed_scan())
    for suffix in (".ply", ".glb"):
        whole = write_scan(tmp_path / f"whole{suffix}", scan).read_bytes()
        cut = tmp_path / f"cut{suffix}"
        cut.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=r"readable|damaged|triangles"):
            read_mesh(cut)
