"""Pickles with a payload in every place where a user's file is read, through the real commands.

Each file here would write a file if it were unpickled. Every command answers with one sentence that
names the file, and the payload's file does not appear.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import captures
import numpy as np
import pytest
import python2_pickle
import scans
from flame_files import as_distributed, write_flame, write_masks
from flame_geometry import flame_arrays
from gaussian_avatar_files import write_trained
from pickle_payloads import executes, payloads
from support import Outcome, write_wav

from avatar.files.avatar_file import save_avatar
from avatar.files.gaussian_avatars import read_gaussian_avatar, write_gaussian_avatar
from avatar.flame import flame_regions, load_flame
from avatar.rig.avatar import Avatar

Run = Callable[..., Outcome]


@pytest.mark.parametrize("suffix", [".pkl", ".npz", ".npy", ".safetensors", ".ply"])
def test_the_payloads_are_real(tmp_path: Path, suffix: str):
    good, trace = tmp_path / f"good{suffix}", tmp_path / "trace"
    if suffix == ".npz":
        np.savez(good, a=np.zeros(3), b=np.zeros(3))
    for form, data in payloads(good, trace).items():
        assert executes(data, trace), form


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame(tmp_path_factory.mktemp("flame"), kind="npz")


@pytest.fixture
def harmless(tmp_path: Path, run_script: Run) -> Callable[..., None]:
    """Plant every form of payload in the place of a good file and run a command that reads it."""

    def check(path: Path, script: str, *arguments: object, good: bool = True) -> None:
        assert path.is_file() or not good, f"{path} is no place where a file is read"
        for form, data in payloads(path, tmp_path / "trace").items():
            path.write_bytes(data)
            out = run_script(script, *arguments)
            assert not (tmp_path / "trace").exists(), f"{form} in {path.name} was run"
            assert out.status == 2, (form, out)
            sentence = out.stderr.strip().splitlines()[-1]
            assert sentence.startswith("error: ") and "Traceback" not in out.stderr, (form, out)
            assert path.name in sentence, (form, sentence)

    return check


# --- avatars and FLAME


def _drive(folder: Path, **options: object) -> list[object]:
    voice = write_wav(folder / "voice.wav", np.zeros(16_000, np.float32))
    given = {"audio": voice, "output": folder / "out.mp4", "width": 64, "height": 64} | options
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


def test_the_masks_of_flame(tmp_path: Path, flame: Path):
    path, trace, model = write_masks(tmp_path), tmp_path / "trace", load_flame(flame)
    for data in payloads(path, trace).values():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"FLAME_masks\.pkl: it asks for"):
            flame_regions(model.template, model.faces, path)
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


# --- meshes, landmarks, saved motion


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
def test_meshes(harmless, tmp_path: Path, suffix: str):
    path = tmp_path / f"head{suffix}"
    harmless(path, "drive", *_drive(tmp_path, avatar=path), good=False)


def test_landmarks(harmless, tmp_path: Path):
    mesh, path = tmp_path / "head.obj", tmp_path / "landmarks.json"
    mesh.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    harmless(path, "drive", *_drive(tmp_path, avatar=mesh, landmarks=path), good=False)


@pytest.mark.parametrize("script", ["render", "export_motion"])
def test_saved_motion(harmless, tmp_path: Path, avatar_file: Path, script: str):
    path = tmp_path / "motion.npz"
    names = ("offsets", "rest", "faces", "fps", "head_pose", "topology")
    np.savez(path, **dict.fromkeys(names, np.zeros(3)))
    arguments = {
        "render": [f"--avatar={avatar_file}", f"--out={tmp_path / 'a.mp4'}", "--width=64"],
        "export_motion": [f"--out={tmp_path / 'a.csv'}"],
    }[script]
    harmless(path, script, f"--motion={path}", *arguments)


def test_flame_when_motion_is_exported(harmless, tmp_path: Path):
    flame, voice = tmp_path / "generic_model.pkl", tmp_path / "voice.wav"
    write_wav(voice, np.zeros(16_000, np.float32))
    arguments = [f"--out={tmp_path / 'a.npz'}", f"--audio={voice}", f"--flame={flame}"]
    harmless(flame, "export_motion", *arguments, good=False)


# --- captures


CAPTURE = {
    "vertices": ("canonical_mesh.npz", "vertices/00000.npz", "transforms_train.json"),
    "flame": ("canonical_flame_param.npz", "flame_param/00000.npz"),
}


@pytest.mark.parametrize("script", ["reconstruct", "evaluate_avatar"])
@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in CAPTURE.items() for n in names])
def test_captures(
    harmless, tmp_path: Path, avatar_file: Path, flame: Path, script: str, kind: str, name: str
):
    folder = captures.write_capture(tmp_path / "capture", captures.small_spec())
    arguments = [f"--capture={folder}"]
    if kind == "flame":
        captures.to_flame(folder)
        arguments.append(f"--flame={flame}")
    rest = {
        "reconstruct": f"--out={tmp_path / 'a.ply'}",
        "evaluate_avatar": f"--avatar={avatar_file}",
    }
    harmless(folder / name, script, *arguments, rest[script])


@pytest.mark.parametrize("folder", ["images", "fg_masks"])
def test_pictures_of_captures(harmless, tmp_path: Path, folder: str):
    capture = captures.write_capture(tmp_path / "capture", captures.small_spec())
    path = capture / folder / "00000_00.png"
    out = f"--out={tmp_path / 'a.ply'}"
    harmless(path, "reconstruct", f"--capture={capture}", out, "--device=cpu")


def test_the_state_of_an_unfinished_reconstruction(harmless, tmp_path: Path):
    capture = captures.write_capture(tmp_path / "capture", captures.small_spec())
    state, out = tmp_path / "subject.ply.state", f"--out={tmp_path / 'subject.ply'}"
    harmless(state, "reconstruct", f"--capture={capture}", out, "--device=cpu", good=False)


# --- speech and motion


VOCASET = ("subj_seq_to_idx.pkl", "raw_audio_fixed.pkl", "templates.pkl", "FLAME_masks.pkl")


@pytest.mark.parametrize("name", [*VOCASET, "data_verts.npy"])
def test_vocaset_as_distributed(harmless, tmp_path: Path, name: str):
    data = tmp_path / "data"
    data.mkdir()
    scans.write_vocaset_raw(data, frames=4)
    arguments = [f"--data={data}", f"--out={tmp_path / 'a.safetensors'}", "--device=cpu"]
    harmless(data / name, "train_audio2mesh", *_spaced(arguments))


@pytest.mark.parametrize("name", ["templates.pkl", "vertices_npy/F2_e01.npy", "regions/lve.txt"])
def test_biwi(harmless, tmp_path: Path, name: str):
    data = tmp_path / "data"
    data.mkdir()
    scans.write_biwi(data, frames=4)
    arguments = [f"--data={data}", f"--out={tmp_path / 'a.safetensors'}", "--device=cpu"]
    harmless(data / name, "train_audio2mesh", *_spaced(arguments))


def _spaced(arguments: list[str]) -> list[str]:
    """Lists are given as words of their own."""
    return [word for argument in arguments for word in argument.split("=", 1)]


@pytest.mark.parametrize("script", ["train_audio2mesh", "train_syncnet", "evaluate_audio2mesh"])
def test_clips_of_speech_and_motion(harmless, tmp_path: Path, script: str):
    data = tmp_path / "data"
    data.mkdir()
    write_wav(data / "clip.wav", np.zeros(32_000, np.float32))
    np.savez(data / "clip.npz", arkit=np.zeros((50, 1)), names=np.array(["jawOpen"]), fps=25.0)
    out = ["--out", str(tmp_path / "a.safetensors")]
    options = {"evaluate_audio2mesh": [], "train_syncnet": [*out, "--role", "loss"]}
    harmless(data / "clip.npz", script, "--data", data, *options.get(script, out))


@pytest.mark.parametrize("option", ["weights", "syncnet", "lipreader"])
def test_weights_that_evaluation_reads(harmless, tmp_path: Path, option: str):
    data = tmp_path / "data"
    data.mkdir()
    write_wav(data / "clip.wav", np.zeros(32_000, np.float32))
    path = tmp_path / "planted.safetensors"
    options = ["--lip-reading"] if option == "lipreader" else []
    harmless(path, "evaluate_audio2mesh", "--data", data, f"--{option}", path, *options, good=False)


FACEGOOD = "code/train/bs_value/bs_value_1114_2_01.npy"


def test_the_release_of_facegood(harmless, tmp_path: Path):
    release = tmp_path / "release"
    values = release / FACEGOOD
    values.parent.mkdir(parents=True)
    np.save(values, np.zeros((90, 116)))
    (release / "code/train/wav").mkdir()
    write_wav(release / "code/train/wav/1114_2_01.wav", np.zeros(48_000, np.float32))
    harmless(values, "convert_facegood", f"--release={release}", f"--out={tmp_path / 'out'}")


@pytest.mark.parametrize("option", ["syncnet", "lipreader"])
def test_weights_that_training_reads(harmless, tmp_path: Path, option: str):
    data, path = tmp_path / "data", tmp_path / "planted.safetensors"
    data.mkdir()
    for name in ("one", "two", "three"):
        write_wav(data / f"{name}.wav", np.zeros(48_000, np.float32))
        jaw = np.sin(np.arange(75)[:, None]) ** 2
        np.savez(data / f"{name}.npz", fps=25.0, arkit=jaw, arkit_names=np.array(["jawOpen"]))
    options = [f"--{option}", path, "--train.losses.sync", "1", "--train.losses.lipreading", "1"]
    out = tmp_path / "a.safetensors"
    harmless(path, "train_audio2mesh", "--data", data, "--out", out, *options, good=False)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("mesh", "head.glb"),
        ("motion", "motion.npz"),
        ("landmarks", "points.json"),
        ("weights", "planted.safetensors"),
        ("arkit", "take.csv"),
    ],
)
def test_files_that_carrying_motion_over_reads(harmless, tmp_path: Path, option: str, name: str):
    mesh, path = tmp_path / "head.obj", tmp_path / name
    mesh.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    if option == "motion":
        names = ("offsets", "rest", "faces", "fps", "topology")
        np.savez(path, **dict.fromkeys(names, np.zeros(3)))
    options: dict[str, Path] = {"mesh": mesh, "out": tmp_path / "out.npz"}
    if option not in ("motion", "arkit"):
        options["audio"] = write_wav(tmp_path / "voice.wav", np.zeros(16_000, np.float32))
    arguments = [f"--{key}={value}" for key, value in (options | {option: path}).items()]
    harmless(path, "transfer", *arguments, good=False)
