"""Motion written as ARKit weights or FLAME parameters: what went in comes out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flame_files import write_flame
from support import write_wav
from torch import Tensor

from avatar.avatar_io.live_link import read_take, write_take
from avatar.avatar_io.motion_file import SavedMotion, motion_writer
from avatar.drive.drive import drive
from avatar.drive.export import export
from avatar.drive.options import DriveOptions, ExportOptions
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.arkit import WEIGHTS
from avatar.heads.flame_model import flame_vertices, load_flame, neutral
from avatar.heads.flame_parameters import read_flame_parameters
from avatar.heads.flame_regions import add_teeth

WAYS = ("In", "Out", "Up", "Down")


@pytest.fixture
def saved(avatar_file: Path, tmp_path: Path) -> Callable[[np.ndarray, np.ndarray], Path]:
    """Save the motion of weights [F, 52] and head angles [F, 3] at 25 fps, by driving."""

    def save(weights: np.ndarray, angles: np.ndarray) -> Path:
        write_take(tmp_path / "given.csv", weights, angles, 25.0)
        motion = tmp_path / "motion.npz"
        options = DriveOptions(avatar_file, arkit=tmp_path / "given.csv", save_motion=motion)
        drive(replace(options, out=tmp_path / "video.mp4", width=16, height=16))
        return motion

    return save


def test_known_weights_come_back(saved: Callable[[np.ndarray, np.ndarray], Path], tmp_path: Path):
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=(30, 52)) * (rng.uniform(size=(30, 52)) < 0.2)
    angles = rng.uniform(-0.3, 0.3, (30, 3))
    done = export(ExportOptions(tmp_path / "face.csv", motion=saved(weights, angles)))
    take = read_take(tmp_path / "face.csv")
    assert np.abs(take.weights - weights).max() < 2e-4
    assert np.abs(take.head - angles).max() < 1e-4
    assert (done.frames, done.fps) == (30, 25)
    assert done.misfit is not None
    assert done.misfit.lips_mm < 1e-3 < 0.1 < done.misfit.lip_motion_mm


def test_a_voice_is_said_nearly_in_weights(voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "voice.wav", voice[:48_000])
    done = export(ExportOptions(tmp_path / "face.csv", audio=audio))
    take = read_take(tmp_path / "face.csv")
    assert done.frames == len(take.times) == 75
    assert done.misfit is not None
    assert done.misfit.lips_mm < 0.15 * done.misfit.lip_motion_mm
    assert take.weights[:, WEIGHTS.index("jawOpen")].max() > 0.2
    assert take.weights[:, [WEIGHTS.index(f"eyeLook{way}Left") for way in WAYS]].max() > 0.05
    assert np.abs(take.head).max() > 0.005


def test_still_leaves_only_speech(voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "voice.wav", voice[:48_000])
    export(ExportOptions(tmp_path / "face.csv", audio=audio, still=True))
    take = read_take(tmp_path / "face.csv")
    assert take.weights[:, WEIGHTS.index("eyeBlinkLeft")].max() < 0.05
    assert not take.head.any()


def save_motion(path: Path, mesh: Mesh, topology: str, offsets: Tensor) -> Path:
    still = torch.eye(4).expand(len(offsets), 4, 4)
    with motion_writer(SavedMotion(path, mesh, topology, 25.0, still), {}) as append:
        for frame in offsets.float().numpy():
            append(frame)
    return path


def test_flame_parameters_of_a_subject_come_back(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    file = write_flame(tmp_path)
    flame, random = add_teeth(load_flame(file)), torch.manual_seed(0)
    person = {"shape": torch.randn(300, generator=random) * (torch.arange(300) < 20)}
    jaw = torch.rand(8, 3, generator=random) * torch.tensor([0.3, 0.03, 0.03])
    expression = torch.randn(8, 100, generator=random) * 0.3
    rest = flame_vertices(flame, neutral(**person))
    moved = flame_vertices(flame, neutral(**person, expression=expression, jaw=jaw))
    path = tmp_path / "motion.npz"
    saved = save_motion(path, Mesh(rest, flame.faces), flame.topology, moved - rest)
    done = export(ExportOptions(tmp_path / "flame.npz", motion=saved, flame=file))
    read = read_flame_parameters(tmp_path / "flame.npz")
    played = flame_vertices(flame, replace(read, shape=person["shape"]))
    assert (read.jaw - jaw).abs().max() < 1e-3
    assert read.eyes.abs().max() < 1e-3
    assert (played - moved).norm(dim=-1).max() < 2e-5
    assert done.misfit is not None
    assert done.misfit.all_mm < 0.01 < 1 < done.misfit.lip_motion_mm


def test_flames_eyes_come_back_beside_an_expression(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    file = write_flame(tmp_path)
    flame, random = load_flame(file), torch.manual_seed(0)
    expression = torch.randn(8, 100, generator=random) * 0.3
    eyes = (torch.rand(8, 6, generator=random) - 0.5) * torch.tensor([0.3, 0.5, 0.0] * 2)
    flame = replace(flame, pose_directions=flame.pose_directions * 0)
    rest = flame_vertices(flame, neutral())
    moved = flame_vertices(flame, neutral(expression=expression, eyes=eyes))
    saved = save_motion(
        tmp_path / "motion.npz", Mesh(rest, flame.faces), flame.topology, moved - rest
    )
    export(ExportOptions(tmp_path / "flame.npz", motion=saved, flame=file))
    assert (read_flame_parameters(tmp_path / "flame.npz").eyes - eyes).abs().max() < 0.01


def test_a_voice_is_said_nearly_by_flame(voice: np.ndarray, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    audio, file = write_wav(tmp_path / "voice.wav", voice[:24_000]), write_flame(tmp_path)
    done = export(ExportOptions(tmp_path / "flame.npz", audio=audio, flame=file))
    read = read_flame_parameters(tmp_path / "flame.npz")
    assert len(read.jaw) == done.frames == round(1.5 * 25)
    assert read.jaw[:, 0].max() > 0.03
    assert read.neck.abs().max() > 0.002
    assert done.misfit is not None
    assert done.misfit.lips_mm < 0.1 * done.misfit.lip_motion_mm


def test_a_take_becomes_flames_jaw(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    weights = np.zeros((30, 52))
    weights[:, WEIGHTS.index("jawOpen")] = np.linspace(0, 0.7, 30)
    write_take(tmp_path / "take.csv", weights, np.zeros((30, 3)), 25.0)
    file, take = write_flame(tmp_path), tmp_path / "take.csv"
    done = export(ExportOptions(tmp_path / "flame.npz", arkit=take, flame=file))
    jaw = read_flame_parameters(tmp_path / "flame.npz").jaw[:, 0]
    assert done.frames == 30 and (jaw.diff() > 0).all() and jaw[-1] > 0.1


def test_styles_of_weights_and_takes_make_a_difference(voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "voice.wav", voice[:48_000])

    def weights(**given: Any) -> np.ndarray:
        export(ExportOptions(tmp_path / "face.csv", audio=audio, **given))
        return read_take(tmp_path / "face.csv").weights

    usual, eyes = weights(), [WEIGHTS.index(f"eyeLook{way}Left") for way in WAYS]
    assert np.array_equal(usual, weights())
    assert np.abs(usual - weights(take=1))[:, eyes].max() > 0.05
    jaw = WEIGHTS.index("jawOpen")
    assert np.abs(usual - weights(weights_style="facegood-oh"))[:, jaw].max() > 0.01
    assert len(weights(fps=60.0)) == 180
