"""Round trips of .ply files, and one clear sentence per broken rule."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from plyfile import PlyData, PlyElement

from common.errors import InputError
from splat import RawGaussians, SplatPly, read_ply, write_ply

Rows = dict[str, np.ndarray]


def make_ply(n: int = 12, degree: int = 1, bound: bool = True) -> SplatPly:
    generator = torch.Generator().manual_seed(n + degree)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    gaussians = RawGaussians(
        normal(n, 3), normal(n, 4), normal(n, 3), normal(n), normal(n, (degree + 1) ** 2, 3)
    )
    if not bound:
        return SplatPly(gaussians)
    return SplatPly(
        gaussians,
        binding=torch.randint(0, 5, (n,), generator=generator),
        mesh_vertices=normal(7, 3),
        mesh_faces=torch.randint(0, 7, (5, 3), generator=generator),
        comments=("voicesplat 1", "unit metre"),
    )


def assert_equal(a: SplatPly, b: SplatPly) -> None:
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        assert torch.equal(getattr(a.gaussians, name), getattr(b.gaussians, name)), name
    for name in ("binding", "mesh_vertices", "mesh_faces"):
        first, second = getattr(a, name), getattr(b, name)
        assert (first is None) == (second is None)
        assert first is None or torch.equal(first, second), name
    assert a.comments == b.comments


@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_what_is_written_is_read(tmp_path: Path, degree: int, bound: bool) -> None:
    ply = make_ply(degree=degree, bound=bound)
    write_ply(tmp_path / "a.ply", ply)
    assert_equal(read_ply(tmp_path / "a.ply"), ply)
    write_ply(tmp_path / "b.ply", read_ply(tmp_path / "a.ply"))
    assert (tmp_path / "a.ply").read_bytes() == (tmp_path / "b.ply").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ply", "b.ply"]


def test_properties_have_the_names_and_order_of_3dgs(tmp_path: Path) -> None:
    ply = make_ply(degree=1)
    write_ply(tmp_path / "a.ply", ply)
    vertex = PlyData.read(tmp_path / "a.ply")["vertex"]
    rest = " ".join(f"f_rest_{i}" for i in range(9))
    names = (
        f"x y z nx ny nz f_dc_0 f_dc_1 f_dc_2 {rest} opacity "
        "scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3 binding_0"
    )
    assert " ".join(p.name for p in vertex.properties) == names
    for channel in range(3):  # channel-major: all of red, then green, then blue
        for k in range(3):
            written = vertex[f"f_rest_{3 * channel + k}"]
            np.testing.assert_array_equal(written, ply.gaussians.sh[:, 1 + k, channel])


def test_reading_is_quick(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", make_ply(80_000, 3))
    started = time.perf_counter()
    read_ply(tmp_path / "a.ply")
    assert time.perf_counter() - started < 1


def _rewrite(path: Path, change: Callable[[dict[str, Rows]], None]) -> None:
    """Take a good file apart into columns, change them and write them as they then are."""
    write_ply(path, make_ply())
    data = PlyData.read(path)
    tables = {e.name: {p.name: np.array(e[p.name]) for p in e.properties} for e in data.elements}
    change(tables)
    elements = []
    for name, table in tables.items():
        dtype = [(key, column.dtype, column.shape[1:]) for key, column in table.items()]
        rows = np.empty(len(next(iter(table.values()))), dtype=dtype)
        for key, column in table.items():
            rows[key] = column
        elements.append(PlyElement.describe(rows, name))
    PlyData(elements, byte_order="<").write(path)


def _drop(element: str, name: str) -> Callable[[dict[str, Rows]], None]:
    def change(tables: dict[str, Rows]) -> None:
        del tables[element][name]

    return change


def _set(element: str, name: str, value: float) -> Callable[[dict[str, Rows]], None]:
    def change(tables: dict[str, Rows]) -> None:
        column = tables[element][name]
        if not float(value).is_integer():
            column = column.astype(np.float32)
        column[3] = value
        tables[element][name] = column

    return change


def _zero_quaternion(tables: dict[str, Rows]) -> None:
    for i in range(4):
        tables["vertex"][f"rot_{i}"][3] = 0


def _empty(element: str) -> Callable[[dict[str, Rows]], None]:
    def change(tables: dict[str, Rows]) -> None:
        tables[element] = {name: column[:0] for name, column in tables[element].items()}

    return change


def _listed(width: int = 3, kind: type = np.int32) -> Callable[[dict[str, Rows]], None]:
    """Faces as files had them before: one list for each."""

    def change(tables: dict[str, Rows]) -> None:
        corners = [tables["mesh_face"][f"vertex_{i % 3}"] for i in range(width)]
        tables["mesh_face"] = {"vertex_indices": np.stack(corners, 1).astype(kind)}

    return change


BROKEN = {
    "no vertex": (lambda t: t.pop("vertex") and None, "no element 'vertex'"),
    "no Gaussians": (_empty("vertex"), "holds no Gaussians"),
    "no opacity": (_drop("vertex", "opacity"), "no property 'opacity'"),
    "no position": (_drop("vertex", "y"), "no property 'y'"),
    "no colour": (_drop("vertex", "f_dc_2"), "no property 'f_dc_2'"),
    "no rotation": (_drop("vertex", "rot_3"), "no property 'rot_3'"),
    "f_rest": (_drop("vertex", "f_rest_8"), "8 f_rest properties, not 0, 9, 24 or 45"),
    "f_rest names": (
        lambda t: t["vertex"].update(f_rest_9=t["vertex"].pop("f_rest_4")),
        "no property 'f_rest_4'",
    ),
    "NaN": (_set("vertex", "scale_1", float("nan")), "'scale_1' is NaN or infinite in row 3"),
    "infinite": (_set("vertex", "x", float("inf")), "'x' is NaN or infinite in row 3"),
    "quaternion": (_zero_quaternion, "quaternion rot_0..rot_3 is zero in row 3"),
    "negative binding": (_set("vertex", "binding_0", -1), "'binding_0' is -1 in row 3"),
    "fractional binding": (_set("vertex", "binding_0", 1.5), "'binding_0' is 1.5 in row 3"),
    "NaN binding": (_set("vertex", "binding_0", float("nan")), "'binding_0' is NaN or infinite"),
    "NaN vertex": (_set("mesh_vertex", "z", float("nan")), "row 3 of 'mesh_vertex'"),
    "no vertices": (_empty("mesh_vertex"), "'mesh_vertex' has no rows"),
    "no faces": (_empty("mesh_face"), "'mesh_face' has no rows"),
    "faces alone": (lambda t: t.pop("mesh_vertex") and None, "but no 'mesh_vertex'"),
    "face high": (_set("mesh_face", "vertex_1", 7), "face 3 of 'mesh_face' names vertex 7"),
    "face low": (_set("mesh_face", "vertex_2", -2), "face 3 of 'mesh_face' names vertex -2"),
    "face property": (_drop("mesh_face", "vertex_1"), "no property 'vertex_1'"),
    "float faces": (_set("mesh_face", "vertex_0", 0.5), "'vertex_0' of 'mesh_face' is not a whole"),
    "quads": (_listed(4), "cut short or holds a face that is not a triangle"),
    "float lists": (_listed(kind=np.float32), "not a list of three integers"),
}


def assert_one_sentence(path: Path, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_ply(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and words in message and "\n" not in message, message


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rule_is_named(tmp_path: Path, name: str) -> None:
    change, words = BROKEN[name]
    _rewrite(tmp_path / "broken.ply", change)
    assert_one_sentence(tmp_path / "broken.ply", words)


def test_unchanged_rewrite_is_accepted(tmp_path: Path) -> None:
    """So that the test above fails for the broken rule and not for the rewriting."""
    _rewrite(tmp_path / "fine.ply", lambda tables: None)
    assert read_ply(tmp_path / "fine.ply").binding is not None


def test_faces_are_plain_numbers_which_every_reader_knows(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", make_ply())
    header, _, _ = (tmp_path / "a.ply").read_bytes().partition(b"end_header")
    assert b"property int vertex_0\n" in header and b"property list" not in header


def test_faces_as_lists_are_read(tmp_path: Path) -> None:
    _rewrite(tmp_path / "lists.ply", _listed())
    assert b"property list uchar int vertex_indices" in (tmp_path / "lists.ply").read_bytes()
    faces, written = read_ply(tmp_path / "lists.ply").mesh_faces, make_ply().mesh_faces
    assert faces is not None and written is not None and torch.equal(faces, written)


def test_float_binding_and_missing_normals_are_read(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        vertex = tables["vertex"]
        vertex["binding_0"] = vertex["binding_0"].astype(np.float32)
        for name in ("nx", "ny", "nz"):
            del vertex[name]

    _rewrite(tmp_path / "a.ply", change)
    binding, written = read_ply(tmp_path / "a.ply").binding, make_ply().binding
    assert binding is not None and written is not None and torch.equal(binding, written)


@pytest.mark.parametrize("content", [b"", b"hello\nworld\n", b"\x00\xff\x80" * 99, b"plywood\n"])
def test_other_files_are_not_ply_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    assert_one_sentence(tmp_path / "a.ply", "not a .ply file")


@pytest.mark.parametrize("content", [b"ply\nformat", b"ply\n\x80\x81", b"ply\nformat nothing 1\n"])
def test_broken_headers(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    assert_one_sentence(tmp_path / "a.ply", "header cannot be read")


@pytest.mark.parametrize("line", [b"property float x\n", b"element vertex 12\n"])
def test_headers_that_name_something_twice(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.ply"
    write_ply(path, make_ply())
    path.write_bytes(path.read_bytes().replace(line, 2 * line, 1))
    assert_one_sentence(path, "header cannot be read")


@pytest.mark.parametrize("bound", [True, False])
def test_truncation_anywhere_is_noticed(tmp_path: Path, bound: bool) -> None:
    path = tmp_path / "a.ply"
    write_ply(path, make_ply(bound=bound))
    content = path.read_bytes()
    for length in {*range(1, len(content), 37), len(content) - 1}:
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=str(path)):
            read_ply(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.ply: there is no such file"):
        read_ply(tmp_path / "a.ply")
