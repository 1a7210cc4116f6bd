"""What mesh files say of their size, and that what is too large is refused before it is read."""

import json
import struct
from pathlib import Path

import pytest
import trimesh
from coloured_scans import painted, write_scan
from head_meshes import sealed_scan

from avatar.geometry import mesh_file, stated_size
from avatar.geometry.mesh_file import read_mesh
from avatar.geometry.stated_size import stated_size as size_of

SCAN = painted(sealed_scan())
SIZE = len(SCAN.vertices), len(SCAN.faces)


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".glb"])
def test_it_is_what_reading_finds(tmp_path: Path, suffix: str):
    assert size_of(write_scan(tmp_path / f"scan{suffix}", SCAN)) == SIZE


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_lines_are_counted_across_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
):
    path = tmp_path / "scan.obj"
    text = "v 0 0 0\nvn 0 0 1\nv\t1 0 0\r\nfv 1\nv 0 1 0\n\n# f 1\nf 1 2 3\nf\t1 2 3\nf 3 2 1"
    path.write_text(text)
    monkeypatch.setattr(stated_size, "PIECE", piece)
    assert size_of(path) == (3, 3)


def test_every_showing_of_a_mesh_counts(tmp_path: Path):
    scene, box = trimesh.Scene(), trimesh.creation.box()
    for name in ("one", "two", "three"):
        scene.add_geometry(box, node_name=name, geom_name="box")
    scene.export(tmp_path / "three.glb")
    assert size_of(tmp_path / "three.glb")[1] == 3 * 12


def glb(path: Path, content: object) -> Path:
    data = json.dumps(content).encode()
    head = struct.pack("<4sIIII", b"glTF", 2, 20 + len(data), len(data), 0x4E4F534A)
    path.write_bytes(head + data)
    return path


@pytest.mark.parametrize(
    "content",
    [[], {}, {"meshes": [{}]}, {"meshes": 3, "nodes": [{"mesh": 0}]}, {"nodes": [{"mesh": 7}]}],
)
def test_a_damaged_file_says_nothing(tmp_path: Path, content: object):
    assert size_of(glb(tmp_path / "scan.glb", content)) == (0, 0)


def test_so_does_one_that_is_cut_off(tmp_path: Path):
    for name, data in (("a.glb", b"glTF"), ("b.ply", b"ply\nelement face x\n"), ("c.obj", b"")):
        (tmp_path / name).write_bytes(data)
        assert size_of(tmp_path / name) == (0, 0)


HUGE = "9" * 5000
PLY = "ply\nformat ascii 1.0\nelement vertex {}\nproperty float x\nelement face {}\nend_header\n"


@pytest.mark.parametrize(
    ("vertices", "faces", "said"),
    [
        (3, 2_000_001, "2,000,001 triangles"),
        (6_000_001, 1, "6,000,001 vertices"),
        (3, HUGE, "999,999,"),
    ],
)
def test_what_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vertices: int, faces: int | str, said: str
):
    def load(path: Path) -> None:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(mesh_file, "_load", load)
    path = tmp_path / "huge.ply"
    path.write_text(PLY.format(vertices, faces))
    with pytest.raises(ValueError, match=f"huge.ply: has {said}.* decimate it first"):
        read_mesh(path)


def test_all_parts_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mesh_file, "MOST_TRIANGLES", 20)
    monkeypatch.setattr(mesh_file, "stated_size", lambda path: (0, 0))
    scene = trimesh.Scene([trimesh.creation.box(), trimesh.creation.box()])
    scene.export(tmp_path / "two.glb")
    with pytest.raises(ValueError, match=r"two\.glb: has 24 triangles, more than 20"):
        read_mesh(tmp_path / "two.glb")
