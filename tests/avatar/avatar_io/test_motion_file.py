"""Motion files: what is written is read, a few frames at a time; whatever is broken is told."""

import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avatar.avatar_io import motion_file
from avatar.avatar_io.motion_file import (
    CHUNK,
    SavedMotion,
    motion_chunks,
    motion_writer,
    open_motion,
)
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import load_head
from common.arrays import read_arrays, write_arrays
from common.errors import InputError

FRAMES, VERTICES = 2 * CHUNK + 3, 4
LIPS = torch.tensor([1, 3])


def tetrahedron(path: Path, frames: int = FRAMES, template: bool = True) -> SavedMotion:
    random = torch.manual_seed(1)
    mesh = Mesh(torch.randn(VERTICES, 3, generator=random), torch.tensor([[0, 1, 2], [0, 2, 3]]))
    pose = torch.randn(frames, 4, 4, generator=random)
    laid = load_head().vertices * 100 if template else None
    return SavedMotion(path, mesh, "mesh", 30.0, pose, laid)


def save(motion: SavedMotion) -> np.ndarray:
    """Write motion; returns its offsets [F, 4, 3]."""
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(len(motion.head_pose), VERTICES, 3)).astype(np.float32)
    with motion_writer(motion, {"lips": LIPS}) as append:
        for frame in frames:
            append(frame)
            assert not motion.path.exists()
    return frames


def read(motion: SavedMotion) -> np.ndarray:
    return np.concatenate([chunk.numpy() for chunk in motion_chunks(motion)])


@pytest.mark.parametrize("template", [True, False])
def test_all_that_is_written_is_read(tmp_path: Path, template: bool):
    written = tetrahedron(tmp_path / "motion.npz", template=template)
    frames, found = save(written), open_motion(written.path)
    assert (found.topology, found.fps) == ("mesh", 30.0)
    assert torch.equal(found.mesh.vertices, written.mesh.vertices)
    assert torch.equal(found.mesh.faces, written.mesh.faces)
    assert torch.equal(found.head_pose, written.head_pose)
    assert (found.template is not None) == template
    if found.template is not None and written.template is not None:
        assert torch.equal(found.template, written.template)
    assert np.array_equal(read(found), frames)
    with np.load(written.path) as data:
        assert np.array_equal(data["region_lips"], LIPS)


def test_arrays_that_would_fill_the_memory_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """.. however small their file is; what is left out does not count."""
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, offsets=np.zeros(1 << 20), rate=np.zeros(1))
    monkeypatch.setattr("common.arrays.MOST", 1 << 20)
    with pytest.raises(InputError, match=r"bomb\.npz: .*they take 8 MiB, more than 1"):
        read_arrays(path)
    assert list(read_arrays(path, leave="offsets")) == ["rate"]


def test_the_same_motion_is_the_same_bytes_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An archive that tells when its members were written would differ."""
    motion = tetrahedron(tmp_path / "motion.npz")
    save(motion)
    first, later = motion.path.read_bytes(), time.time() + 86_400
    motion.path.unlink()
    monkeypatch.setattr(time, "time", lambda: later)
    save(motion)
    assert motion.path.read_bytes() == first


def test_nothing_is_left_of_a_broken_run(tmp_path: Path):
    def broken() -> None:
        with motion_writer(tetrahedron(tmp_path / "motion.npz"), {}) as append:
            append(np.zeros((VERTICES, 3), np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert not list(tmp_path.iterdir())


def test_frames_come_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    motion = tetrahedron(tmp_path / "motion.npz")
    frames = save(motion)
    assert [len(chunk) for chunk in motion_chunks(motion)] == [CHUNK, CHUNK, 3]
    monkeypatch.setattr(motion_file, "CHUNK_BYTES", 2 * 12 * VERTICES)
    assert {len(chunk) for chunk in motion_chunks(motion)} == {1, 2}
    assert np.array_equal(read(motion), frames)


def test_an_hour_is_read_in_little_memory(tmp_path: Path):
    """90,000 frames of 65 MB, of which no more than a few are ever held."""
    path, frames, vertices = tmp_path / "hour.npz", 90_000, 60
    faces = np.arange(vertices - 2)[:, None] + np.arange(3)
    small = {"rest": np.ones((vertices, 3), np.float32), "faces": faces, "fps": 25.0}
    np.savez(path, **small, topology="mesh")
    block = np.linspace(-1, 1, 900 * vertices * 3, dtype="<f4").tobytes()
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("offsets.npy", "w", force_zip64=True) as member,
    ):
        header = {"descr": "<f4", "fortran_order": False, "shape": (frames, vertices, 3)}
        np.lib.format.write_array_header_1_0(member, header)
        for _ in range(frames // 900):
            member.write(block)
    tracemalloc.start()
    try:
        motion = open_motion(path)
        seen, total = 0, 0.0
        for chunk in motion_chunks(motion):
            seen, total = seen + len(chunk), total + float(chunk.sum())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == len(motion.head_pose) == frames
    assert abs(total) < 1e3
    assert peak < 2e6


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    save(tetrahedron(path))
    with np.load(path) as data:
        return dict(data)


def test_compressed_motion_is_read(tmp_path: Path):
    path = tmp_path / "motion.npz"
    arrays = arrays_of(path)
    write_arrays(path, arrays)
    assert np.array_equal(read(open_motion(path)), arrays["offsets"])


@pytest.mark.parametrize("kind", ["<f2", ">f4", "<f8"])
def test_offsets_of_any_floats_are_read(tmp_path: Path, kind: str):
    path = tmp_path / "motion.npz"
    arrays = arrays_of(path)
    write_arrays(path, {**arrays, "offsets": arrays["offsets"].astype(kind)})
    assert np.allclose(read(open_motion(path)), arrays["offsets"], atol=2e-3)


def test_what_older_files_lack_is_not_missed(tmp_path: Path):
    path = tmp_path / "motion.npz"
    kept = {k: v for k, v in arrays_of(path).items() if k not in ("template", "head_pose")}
    write_arrays(path, kept)
    motion = open_motion(path)
    assert motion.template is None
    assert torch.equal(motion.head_pose, torch.eye(4).expand(FRAMES, 4, 4))
    assert np.array_equal(read(motion), kept["offsets"])


def with_value(shape: tuple[int, ...], value: float, kind: str = "<f8") -> np.ndarray:
    array = np.zeros(shape, kind)
    array.flat[5] = value
    return array


FACES = np.array([[0, 1, 2], [0, 2, 3]])
BROKEN: dict[str, tuple[dict, str]] = {
    "no rest": ({"rest": None}, "no array 'rest'"),
    "no faces": ({"faces": None}, "no array 'faces'"),
    "no rate": ({"fps": None}, "no array 'fps'"),
    "no topology": ({"topology": None}, "no array 'topology'"),
    "no offsets": ({"offsets": None}, "no motion file"),
    "more vertices": ({"offsets": np.zeros((FRAMES, 5, 3))}, "do not belong together"),
    "fewer poses": ({"head_pose": np.zeros((2, 4, 4))}, "do not belong together"),
    "flat offsets": ({"offsets": np.zeros((3, 4))}, "no motion file"),
    "four numbers": ({"offsets": np.zeros((FRAMES, 4, 4))}, "no motion file"),
    "no frames": ({"offsets": np.zeros((0, 4, 3)), "head_pose": None}, "no motion file"),
    "words": ({"offsets": np.array(["a", "b"])}, "no motion file"),
    "whole numbers": ({"offsets": np.zeros((FRAMES, 4, 3), int)}, "no motion file"),
    "by columns": ({"offsets": np.asfortranarray(np.zeros((FRAMES, 4, 3)))}, "no motion file"),
    "objects": ({"rest": np.array([[None] * 3] * 4)}, "no motion file"),
    "flat rest": ({"rest": np.zeros(12)}, "'rest' has the shape"),
    "NaN at rest": ({"rest": with_value((4, 3), np.nan)}, "'rest' holds numbers.*not finite"),
    "huge at rest": ({"rest": with_value((4, 3), 1e300)}, "'rest' holds numbers.*not finite"),
    "rest of words": ({"rest": np.full((4, 3), "x")}, "'rest' holds <U1, not numbers"),
    "face past the end": ({"faces": FACES + 1}, "a vertex that the 4 of the mesh lack"),
    "face before the start": ({"faces": FACES - 1}, "a vertex that the 4 of the mesh lack"),
    "huge face": ({"faces": FACES.astype("u8") + 2**63}, "a vertex that the 4 of the mesh lack"),
    "faces of floats": ({"faces": FACES / 1}, "'faces' holds float64, not indices"),
    "quads": ({"faces": np.zeros((2, 4), int)}, "'faces' has the shape"),
    "no triangles": ({"faces": np.zeros((0, 3), int)}, "'faces' has the shape"),
    "NaN pose": ({"head_pose": with_value((FRAMES, 4, 4), np.nan)}, "'head_pose' holds.*finite"),
    "3x4 poses": ({"head_pose": np.zeros((FRAMES, 3, 4))}, "'head_pose' has the shape"),
    "rate of zero": ({"fps": np.array(0.0)}, "'fps' is 0.0"),
    "no rate at all": ({"fps": np.array(np.nan)}, "'fps' is nan"),
    "huge rate": ({"fps": np.array(1e9)}, "'fps' is 1000000000.0"),
    "rates": ({"fps": np.array([25.0, 30.0])}, "'fps' is"),
    "rate in words": ({"fps": np.array("25")}, "'fps' is 25"),
    "unknown topology": ({"topology": np.array("squirrel")}, "no head topology.*'squirrel'"),
    "another topology": ({"topology": np.array("anny-head")}, "topology anny-head, which has 5000"),
    "short template": ({"template": np.zeros((4, 3))}, "template has 4 vertices"),
    "NaN template": ({"template": with_value((5000, 3), np.nan)}, "'template' holds.*finite"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_when_it_is_opened(tmp_path: Path, name: str):
    changes, said = BROKEN[name]
    path = tmp_path / "broken.npz"
    arrays = {**arrays_of(path), **changes}
    write_arrays(path, {name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(InputError, match=said) as caught:
        open_motion(path)
    assert "broken.npz" in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300])
def test_offsets_that_are_not_finite_are_told(tmp_path: Path, value: float):
    path = tmp_path / "motion.npz"
    arrays = arrays_of(path)
    offsets = arrays["offsets"].astype(float)
    offsets[CHUNK + 4, 2, 1] = value
    write_arrays(path, {**arrays, "offsets": offsets})
    chunks = motion_chunks(open_motion(path))
    assert len(next(chunks)) == CHUNK
    with pytest.raises(InputError, match=r"motion\.npz.*between the frames 32 and 63"):
        next(chunks)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_told(tmp_path: Path, share: float):
    save(tetrahedron(tmp_path / "motion.npz"))
    data = (tmp_path / "motion.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"cut\.npz: is no motion file"):
        open_motion(tmp_path / "cut.npz")


def test_a_header_that_promises_too_much_is_told(tmp_path: Path):
    path = tmp_path / "motion.npz"
    arrays = {k: v for k, v in arrays_of(path).items() if k not in ("offsets", "head_pose")}
    write_arrays(path, arrays)
    with zipfile.ZipFile(path, "a") as archive, archive.open("offsets.npy", "w") as member:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**15, 4, 3)}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(bytes(4800))
    with pytest.raises(InputError, match="cut short"):
        open_motion(path)


@pytest.mark.parametrize("where", [0.5, 0.9])
@pytest.mark.parametrize("packed", [False, True])
def test_damage_in_the_middle_is_told(tmp_path: Path, where: float, packed: bool):
    path = tmp_path / "motion.npz"
    arrays = arrays_of(path)
    ordered: Any = {"offsets": arrays.pop("offsets"), **arrays}
    (np.savez_compressed if packed else np.savez)(path, **ordered)
    data = bytearray(path.read_bytes())
    middle = int(where * data.find(b"rest.npy"))
    data[middle : middle + 8] = bytes(255 - byte for byte in data[middle : middle + 8])
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"motion\.npz"):
        read(open_motion(path))


def test_other_files_are_no_motion(tmp_path: Path):
    (tmp_path / "notes.npz").write_text("Dear diary,")
    np.save(tmp_path / "one.npy", np.zeros(3))
    for name in ("notes.npz", "one.npy"):
        with pytest.raises(InputError, match="is no motion file"):
            open_motion(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"none\.npz: there is no such file"):
        open_motion(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"Dear diary,\n", bytes(range(256))])
def test_what_is_no_archive_is_told_without_advice_to_run_it(tmp_path: Path, content: bytes):
    path = tmp_path / "talk.npz"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_motion(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: is no motion file (") and said.count("talk.npz") == 1
    assert "pickle" not in said
