"""Payloads in avatars, FLAME's files and meshes, and in all else that driving reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import python2_pickle
from flame_files import as_distributed, write_flame
from flame_geometry import flame_arrays
from gaussian_avatar_files import write_trained
from pickle_payloads import executes, payloads
from support import write_wav

from avatar.avatar_io.avatar_file import save_avatar
from avatar.avatar_io.gaussian_avatars import read_gaussian_avatar, write_gaussian_avatar
from avatar.heads.flame_model import load_flame
from avatar.rigging.avatar import Avatar


@pytest.mark.parametrize("suffix", [".pkl", ".npz", ".npy", ".safetensors", ".ply"])
def test_the_payloads_are_real(tmp_path: Path, suffix: str):
    good, trace = tmp_path / f"good{suffix}", tmp_path / "trace"
    if suffix == ".npz":
        np.savez(good, a=np.zeros(3), b=np.zeros(3))
    for form, data in payloads(good, trace).items():
        assert executes(data, trace), form


def _drive(folder: Path, **options: object) -> list[object]:
    voice = write_wav(folder / "voice.wav", np.zeros(16_000, np.float32))
    given = {"audio": voice, "out": folder / "out.mp4", "width": 64, "height": 64} | options
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


@pytest.mark.parametrize("option", ["avatar", "weights", "arkit", "camera", "audio"])
def test_files_that_driving_reads(harmless, tmp_path: Path, avatar_file: Path, option: str):
    suffix = {
        "avatar": ".ply",
        "weights": ".safetensors",
        "arkit": ".csv",
        "camera": ".json",
        "audio": ".wav",
    }[option]
    path = tmp_path / f"planted{suffix}"
    options: dict[str, object] = {"avatar": avatar_file, option: path}
    arguments = _drive(tmp_path, **options)
    if option == "arkit":
        arguments = [word for word in arguments if not str(word).startswith("--audio")]
    harmless(path, "drive", *arguments, good=False)


@pytest.mark.parametrize("kind", ["pkl", "npz"])
@pytest.mark.parametrize("script", ["drive", "convert"])
def test_flame_itself(harmless, tmp_path: Path, kind: Any, script: str):
    trained, flame = write_trained(tmp_path), write_flame(tmp_path, kind=kind)
    if script == "drive":
        arguments = _drive(tmp_path, avatar=trained, flame=flame)
    else:
        arguments = [f"--avatar={trained}", f"--flame={flame}", f"--out={tmp_path / 'a.ply'}"]
    harmless(flame, script, *arguments)


def test_a_payload_among_flames_own_arrays(tmp_path: Path):
    """In the middle of a good file: as an array, as chumpy's array, as part of a sparse matrix."""
    trace, path = tmp_path / "trace", tmp_path / "generic_model.pkl"
    evil = python2_pickle.Call("posix", "system", f"touch {trace}")
    regressor = python2_pickle.sparse(flame_arrays()["J_regressor"])
    hidden: list[dict[str, Any]] = [
        {"weights": evil},
        {"v_template": python2_pickle.Object("chumpy.ch", "Ch", {"x": evil})},
        {"bs_style": python2_pickle.Object("chumpy.ch", "Ch", {"x": evil})},
        {"J_regressor": python2_pickle.Object(regressor.module, "csc_matrix", {"data": evil})},
        {"f": python2_pickle.Object("scipy.sparse.csc", "csc_matrix", {"__reduce__": evil})},
        {"extra": [(evil,)]},
    ]
    small = flame_arrays() | {"shapedirs": np.zeros(3)}
    for change in hidden:
        path.write_bytes(python2_pickle.dump(as_distributed(small) | change))
        with pytest.raises(ValueError, match=r"generic_model\.pkl: it asks for posix\.system"):
            load_flame(path)
        assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["flame_param.npz", "canonical_flame_param.npz", "point_cloud.ply"]
)
def test_files_of_gaussian_avatars(harmless, tmp_path: Path, flame: Path, name: str):
    trained = write_trained(tmp_path)
    if name.startswith("canonical"):
        (tmp_path / "flame_param.npz").rename(tmp_path / name)
    options = {"avatar": trained, "flame": flame}
    harmless(tmp_path / name, "drive", *_drive(tmp_path, **options))


def test_the_mesh_beside_an_exported_avatar(harmless, tmp_path: Path, small_avatar: Avatar):
    write_gaussian_avatar(tmp_path / "folder", small_avatar)
    mesh = tmp_path / "folder" / "canonical_mesh.npz"
    harmless(mesh, "drive", *_drive(tmp_path, avatar=tmp_path / "folder"))


def test_the_motion_that_is_put_beside_an_avatar(harmless, tmp_path: Path, flame: Path):
    trained, one = write_trained(tmp_path), tmp_path / "subject.ply"
    save_avatar(one, read_gaussian_avatar(trained, flame))
    motion = tmp_path / "flame_param.npz"
    arguments = [f"--avatar={one}", f"--out={tmp_path / 'out'}", f"--flame-param={motion}"]
    harmless(motion, "convert", *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
def test_meshes(harmless, tmp_path: Path, suffix: str):
    path = tmp_path / f"head{suffix}"
    harmless(path, "drive", *_drive(tmp_path, avatar=path), good=False)


def test_landmarks(harmless, tmp_path: Path):
    mesh, path = tmp_path / "head.obj", tmp_path / "landmarks.json"
    mesh.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    harmless(path, "drive", *_drive(tmp_path, avatar=mesh, landmarks=path), good=False)
