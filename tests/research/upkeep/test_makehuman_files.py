"""MakeHuman's text formats: what is read, and what is refused in one sentence."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from common.errors import InputError
from research.upkeep.makehuman_files import read_bound_part, read_obj, read_target

OBJ = """# comment
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
g body
f 1/1 2/2 3/3 4/4
g helper
f 1 2 3
"""
PART = """obj_file hat.obj
x_scale 0 1 2.0
y_scale 0 2 3.0
z_scale 1 2 4.0
verts 0
3
0 1 2 0.5 0.75 -0.25 0.1 0.2 0.3
delete_verts
1 - 3 5
"""


def written(folder: Path, text: str, name: str = "file.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_polygons_become_fans_with_texture_coordinates(tmp_path: Path):
    packed = tmp_path / "base.obj.gz"
    packed.write_bytes(gzip.compress(OBJ.encode()))
    for path in (written(tmp_path, OBJ), packed):
        mesh = read_obj(path)
        faces, uv = mesh.triangles("body")
        assert faces.tolist() == [[0, 1, 2], [0, 2, 3]]
        assert np.array_equal(uv, mesh.vertices[faces][..., :2])
        assert mesh.polygons["helper"] == [[0, 1, 2]]


def test_parts_name_their_vertices_and_what_they_hide(tmp_path: Path):
    part = read_bound_part(written(tmp_path, PART), 6)
    assert part.mesh == "hat.obj" and part.hides.tolist() == [1, 2, 3, 5]
    assert part.reference.tolist() == [[3, 3, 3], [0, 1, 2]]
    assert part.weights.tolist() == [[1, 0, 0], [0.5, 0.75, -0.25]]
    assert part.measured.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert part.lengths.tolist() == [2, 3, 4]


def test_targets_move_the_vertices_that_they_name(tmp_path: Path):
    offsets = read_target(written(tmp_path, "# target\n2 0.1 0.2 0.3\n"), 4)
    assert np.allclose(offsets[2], [0.1, 0.2, 0.3]) and not offsets[[0, 1, 3]].any()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no polygons"),
        (OBJ.replace("f 1 2 3", "f 1 2 9"), "line 13"),
        (OBJ.replace("v 1 1 0", "v 1 one 0"), "line 4"),
        (OBJ.replace("vt 1 1", "vt nan 1"), "line 8"),
    ],
)
def test_a_damaged_mesh_is_refused(tmp_path: Path, text: str, says: str):
    with pytest.raises(InputError, match=says):
        read_obj(written(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("obj_file hat.obj\n", "", "lacks"),
        ("y_scale 0 2 3.0\n", "", "lacks"),
        ("0.5 0.75", "0.5 x", "line 7"),
        ("0 1 2 0.5", "0 1 9 0.5", "base mesh lacks"),
        ("1 - 3 5", "1 - - 5", "line 9"),
    ],
)
def test_a_damaged_part_is_refused(tmp_path: Path, old: str, new: str, says: str):
    with pytest.raises(InputError, match=says):
        read_bound_part(written(tmp_path, PART.replace(old, new)), 6)


def test_a_target_of_another_mesh_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no vertex 7"):
        read_target(written(tmp_path, "7 0 0 0\n"), 4)
    with pytest.raises(InputError, match="3 numbers"):
        read_target(written(tmp_path, "1 0 0\n"), 4)
    with pytest.raises(FileNotFoundError):
        read_target(tmp_path / "none.target", 4)
