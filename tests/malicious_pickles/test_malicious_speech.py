"""Payloads in speech with motion: data sets, clips, saved motion, weights."""

from pathlib import Path

import numpy as np
import pytest
import scans
from support import write_wav


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


VOCASET = ("subj_seq_to_idx.pkl", "raw_audio_fixed.pkl", "templates.pkl", "FLAME_masks.pkl")


@pytest.mark.parametrize("name", [*VOCASET, "data_verts.npy"])
def test_vocaset_as_distributed(harmless, tmp_path: Path, name: str):
    data = tmp_path / "data"
    data.mkdir()
    scans.write_vocaset_raw(data, frames=4)
    arguments = [f"--data={data}", f"--out={tmp_path / 'a.safetensors'}", "--device=cpu"]
    harmless(data / name, "train motion", *_spaced(arguments))


@pytest.mark.parametrize("name", ["templates.pkl", "vertices_npy/F2_e01.npy", "regions/lve.txt"])
def test_biwi(harmless, tmp_path: Path, name: str):
    data = tmp_path / "data"
    data.mkdir()
    scans.write_biwi(data, frames=4)
    arguments = [f"--data={data}", f"--out={tmp_path / 'a.safetensors'}", "--device=cpu"]
    harmless(data / name, "train motion", *_spaced(arguments))


def _spaced(arguments: list[str]) -> list[str]:
    """Lists are given as words of their own."""
    return [word for argument in arguments for word in argument.split("=", 1)]


@pytest.mark.parametrize("script", ["train motion", "train sync", "evaluate_audio2mesh"])
def test_clips_of_speech_and_motion(harmless, tmp_path: Path, script: str):
    data = tmp_path / "data"
    data.mkdir()
    write_wav(data / "clip.wav", np.zeros(32_000, np.float32))
    np.savez(data / "clip.npz", arkit=np.zeros((50, 1)), names=np.array(["jawOpen"]), fps=25.0)
    out = ["--out", str(tmp_path / "a.safetensors")]
    options = {"evaluate_audio2mesh": [], "train sync": [*out, "--role", "loss"]}
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
    harmless(path, "train motion", "--data", data, "--out", out, *options, good=False)


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
