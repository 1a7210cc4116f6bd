"""Every bad input: one sentence, exit status 2, no traceback, nothing left behind."""

import errno
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from support import ROOT, Outcome, write_wav

from audio2mesh import load_model
from audio2mesh.model.checkpoint import save_model
from avatar.arkit import write_take
from avatar.rig.avatar import Avatar
from splat import SplatPly, read_ply, write_ply

Run = Callable[..., Outcome]


@pytest.fixture
def refuses(
    run_drive: Run, avatar_file: Path, voice_file: Path, tmp_path: Path
) -> Callable[..., None]:
    """Check that a drive with some options changed ends in a sentence and leaves nothing."""

    def check(*said: str, **changes: object) -> None:
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        before = sorted(tmp_path.rglob("*"))
        options = {"avatar": avatar_file, "audio": voice_file, "output": folder / "video.mp4"}
        options |= {"width": 64, "height": 64} | changes
        flags = (
            f"--{key.replace('_', '-')}={value}"
            for key, value in options.items()
            if value is not None
        )
        outcome = run_drive(*flags)
        assert outcome.status == 2, outcome
        sentence = outcome.stderr.strip().splitlines()[-1]
        assert sentence.startswith("error: "), outcome.stderr
        assert "Traceback" not in outcome.stderr
        for word in said:
            assert word in sentence
        assert sorted(tmp_path.rglob("*")) == before

    return check


# --- the avatar


def test_no_such_avatar(refuses, tmp_path: Path):
    refuses("gone.ply", "no such file", avatar=tmp_path / "gone.ply")


def test_a_text_file_as_avatar(refuses, tmp_path: Path):
    path = tmp_path / "notes.ply"
    path.write_text("Dear diary,\n")
    refuses("notes.ply", avatar=path)


def test_a_folder_as_avatar(refuses, tmp_path: Path):
    refuses(str(tmp_path), avatar=tmp_path)


def test_a_truncated_avatar(refuses, avatar_file: Path):
    avatar_file.write_bytes(avatar_file.read_bytes()[:-5000])
    refuses("subject.ply")


def test_a_3dgs_file_without_binding(refuses, avatar_file: Path):
    write_ply(avatar_file, replace(read_ply(avatar_file), binding=None))
    refuses("subject.ply", "binding_0")


def test_binding_out_of_range(refuses, avatar_file: Path):
    ply = read_ply(avatar_file)
    assert ply.binding is not None
    write_ply(avatar_file, replace(ply, binding=ply.binding + 10_000))
    refuses("subject.ply", "binding_0", "9728 triangles")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(refuses, avatar_file: Path, small_avatar: Avatar, value: float):
    spoiled = np.float32(small_avatar.gaussians.means[7, 0]).tobytes()
    data = avatar_file.read_bytes()
    assert spoiled in data
    avatar_file.write_bytes(data.replace(spoiled, np.float32(value).tobytes(), 1))
    refuses("subject.ply", "finite")


def test_zero_gaussians(refuses, avatar_file: Path):
    ply = read_ply(avatar_file)
    count = len(ply.gaussians.means)
    head, _, _ = avatar_file.read_bytes().partition(b"end_header\n")
    head = head.replace(f"element vertex {count}".encode(), b"element vertex 0")
    avatar_file.write_bytes(head + b"end_header\n")
    refuses("subject.ply")


def test_a_face_list_that_disagrees_with_the_vertices(refuses, avatar_file: Path):
    head, mark, body = avatar_file.read_bytes().partition(b"end_header\n")
    count = b"element mesh_vertex 5000"
    assert count in head
    shorter = body[: len(body) - 12 * 100]
    head = head.replace(count, b"element mesh_vertex 4900")
    avatar_file.write_bytes(head + mark + shorter)
    refuses("subject.ply")


def test_another_topology_in_the_avatar(refuses, avatar_file: Path):
    ply = read_ply(avatar_file)
    assert ply.mesh_vertices is not None
    extra = torch.cat([ply.mesh_vertices, torch.zeros(3, 3)])
    parts = (ply.gaussians, ply.binding, extra, ply.mesh_faces, ply.comments)
    write_ply(avatar_file, SplatPly(*parts))
    refuses("subject.ply", "5003")


# --- the weights


def test_no_such_weights(refuses, tmp_path: Path):
    refuses("gone.safetensors", "no such file", weights=tmp_path / "gone.safetensors")


def test_weights_that_are_none(refuses, tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"\x80\x04not a checkpoint")
    refuses("weights.safetensors", weights=path)


def test_weights_of_another_topology(refuses, tmp_path: Path):
    model = load_model(device=torch.device("cpu"))
    model.topology = "squirrel"
    path = tmp_path / "squirrel.safetensors"
    save_model(model, path, {})
    refuses("squirrel", "anny-head", weights=path)


# --- the sound


def test_no_such_audio(refuses, tmp_path: Path):
    refuses("gone.wav", "no such file", audio=tmp_path / "gone.wav")


def test_a_text_file_as_audio(refuses, tmp_path: Path):
    path = tmp_path / "notes.wav"
    path.write_text("Dear diary,\n")
    refuses("notes.wav", audio=path)


def test_a_video_without_sound(refuses, tmp_path: Path):
    path = tmp_path / "silent_film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        for _ in range(5):
            picture = np.zeros((64, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    refuses("silent_film.mp4", "audio", audio=path)


def test_a_recording_of_zero_length(refuses, tmp_path: Path):
    refuses("empty.wav", audio=write_wav(tmp_path / "empty.wav", np.zeros(0)))


def test_an_empty_file_as_audio(refuses, tmp_path: Path):
    path = tmp_path / "nothing.mp3"
    path.write_bytes(b"")
    refuses("nothing.mp3", audio=path)


def test_a_truncated_recording(refuses, tmp_path: Path):
    whole = (ROOT / "assets" / "demo_voice.flac").read_bytes()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: len(whole) // 2])
    refuses("cut.flac", audio=path)


def test_a_recording_with_nan(refuses, voice: np.ndarray, tmp_path: Path):
    samples = voice[:16_000].copy()
    samples[8000] = np.nan
    refuses("nan.wav", audio=write_wav(tmp_path / "nan.wav", samples))


# --- recorded face motion


@pytest.fixture
def take_file(tmp_path: Path) -> Path:
    path = tmp_path / "take.csv"
    write_take(path, np.zeros((30, 52)), np.zeros((30, 3)), 30.0)
    return path


def test_no_such_take(refuses, tmp_path: Path):
    refuses("gone.csv", "no such file", arkit=tmp_path / "gone.csv", audio=None)


def test_nothing_that_moves_the_avatar(refuses):
    refuses("--audio", "--arkit", audio=None, out=None)
    refuses("--audio", "--arkit", audio=None)


def test_weights_beside_a_take(refuses, take_file: Path):
    weights = take_file.with_name("weights.safetensors")
    weights.write_bytes(b"")
    refuses("--weights", "--arkit", arkit=take_file, weights=weights)


def test_a_take_with_a_number_that_is_none(refuses, take_file: Path):
    lines = take_file.read_text().splitlines()
    lines[6] = lines[6].replace("0.00000000", "much", 1)
    take_file.write_text("\n".join(lines))
    refuses("take.csv", "line 7", "EyeBlinkLeft", "much", arkit=take_file, audio=None)


def test_a_take_that_is_a_recording(refuses, voice_file: Path):
    refuses(voice_file.name, "CSV", arkit=voice_file, audio=None)


def test_an_output_that_would_overwrite_the_take(refuses, take_file: Path):
    refuses("take.csv", "twice", arkit=take_file, audio=None, save_motion=take_file)


# --- the options


@pytest.mark.parametrize("name", ["width", "height"])
@pytest.mark.parametrize("pixels", [0, -2, 63, 100_000])
def test_sizes_that_cannot_be(refuses, name: str, pixels: int):
    refuses(name, str(pixels), **{name: pixels})


@pytest.mark.parametrize("fps", ["0", "-25", "nan", "inf", "0.0001", "100000"])
def test_frame_rates_that_cannot_be(refuses, fps: str):
    refuses("fps", fps=fps)


@pytest.mark.parametrize("elevation", ["120", "nan"])
def test_an_elevation_over_the_top(refuses, elevation: str):
    refuses("--elevation", elevation=elevation)


@pytest.mark.parametrize("azimuth", ["nan", "inf"])
def test_an_azimuth_that_is_no_angle(refuses, azimuth: str):
    refuses("--azimuth", azimuth=azimuth)


@pytest.mark.parametrize("name", ["azimuth", "elevation"])
def test_an_angle_beside_a_camera_path(refuses, name: str, tmp_path: Path):
    path = tmp_path / "path.json"
    ends = [{"time": t, "eye": [0, 0, 1], "target": [0, 0, 0], "fov_y": 20} for t in (0, 1)]
    path.write_text(json.dumps({"keyframes": ends}))
    refuses(f"--{name}", "path.json", camera=path, **{name: 10})


def test_a_negative_seed(refuses):
    refuses("--seed", seed=-1)


def test_no_threads(refuses):
    refuses("--threads", threads=0)


def test_a_gif_faster_than_gifs_can_be(refuses, tmp_path: Path):
    refuses("fps 60", out=tmp_path / "out" / "video.gif", fps=60)


def test_a_colour_that_is_none(refuses):
    refuses("mauve-ish", background="mauve-ish")


def test_a_camera_path_that_is_not_there(refuses, tmp_path: Path):
    refuses("gone.json", camera=tmp_path / "gone.json")


def test_an_unknown_camera(refuses):
    refuses("--camera side", "front, orbit", camera="side")


def test_a_camera_path_that_ends_straight_overhead(refuses, tmp_path: Path):
    path = tmp_path / "path.json"
    key = {"target": [0, 0, 0], "fov_y": 20}
    keys = [key | {"time": 0, "eye": [0, 0, 1]}, key | {"time": 0.5, "eye": [0, 1, 0]}]
    path.write_text(json.dumps({"keyframes": keys}))
    refuses("path.json", "0.5", camera=path)


@pytest.mark.parametrize("option", ["save_motion", "report"])
def test_outputs_that_would_overwrite_something(
    refuses, avatar_file: Path, voice_file: Path, tmp_path: Path, option: str
):
    for path in (avatar_file, voice_file, tmp_path / "out" / "video.mp4"):
        refuses(path.name, "twice", **{option: path})
    refuses(str(tmp_path), "folder", **{option: tmp_path})


def test_an_output_that_would_overwrite_the_recording(refuses, voice_file: Path, tmp_path: Path):
    film = tmp_path / "film.mp4"
    film.write_bytes(voice_file.read_bytes())
    refuses("film.mp4", audio=film, out=film)


def test_an_output_folder_that_is_not_there(refuses, tmp_path: Path):
    refuses("nowhere", out=tmp_path / "nowhere" / "video.mp4")
    refuses("nowhere", save_motion=tmp_path / "nowhere" / "motion.npz")
    refuses("nowhere", report=tmp_path / "nowhere" / "report.json")


def test_an_output_folder_that_cannot_be_written(refuses, monkeypatch, tmp_path: Path):
    def no_entry(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_entry)
    refuses("video.mp4", "cannot be written")


def test_an_output_of_unknown_kind(refuses, tmp_path: Path):
    refuses(".avi", out=tmp_path / "out" / "video.avi")


def test_an_unknown_device(run_drive: Run, avatar_file: Path, voice_file: Path):
    outcome = run_drive("--avatar", avatar_file, "--audio", voice_file, "--device", "abacus")
    assert outcome.status == 2
    assert "abacus" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none(refuses):
    refuses("CUDA", device="cuda")
