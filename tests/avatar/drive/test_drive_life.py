"""What a face does besides speaking, in every form in which its motion is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flame_files import write_flame
from glb_files import read_glb
from support import write_wav

from audio2mesh import SpeechToMotion, load_audio, load_model
from audio2mesh.pose_vae.fit import load_pose_net, save_pose_net
from audio2mesh.pose_vae.network import PoseNet
from audio2mesh.pose_vae.options import PoseNetOptions
from audio2mesh.prosody.listener import prosody_of
from avatar.avatar_io.live_link import read_take
from avatar.behaviour.gaze import gaze_degrees
from avatar.behaviour.performance import learned_head
from avatar.drive.direction import direction_of
from avatar.drive.export import export
from avatar.drive.motion import DrivenMotion
from avatar.drive.options import DriveOptions, ExportOptions
from avatar.drive.performance import perform
from avatar.drive.plans import plan_drive
from avatar.geometry.rotations import head_angles
from avatar.heads import load_head
from avatar.heads.arkit import EYE_DEGREES, WEIGHTS
from avatar.heads.flame_parameters import read_flame_parameters
from avatar.retarget.fitted_face import shipped_face
from common.assets import DEMO_VOICE
from common.errors import InputError

HEAD = load_head()
EYES = [HEAD.group_vertices(name).numpy() for name in ("l-eye", "r-eye")]
Export = Callable[..., Path]


@pytest.fixture(scope="module")
def model() -> SpeechToMotion:
    return load_model(None)


@pytest.fixture
def audio(voice: np.ndarray, tmp_path: Path) -> Path:
    """Four seconds."""
    return write_wav(tmp_path / "voice.wav", voice[:64_000])


@pytest.fixture
def written(audio: Path, tmp_path: Path) -> Export:
    """Export the voice to a file of a given name."""

    def write(name: str, **given: Any) -> Path:
        export(ExportOptions(tmp_path / name, audio=audio, **given))
        return tmp_path / name

    return write


def moved(model: SpeechToMotion, audio: Path, **given: Any) -> DrivenMotion:
    options = ExportOptions(Path("unused.csv"), audio=audio, **given)
    told = direction_of(options, speaks=True, lives=True, needed="a voice")
    return perform(shipped_face(), model, told)


def coefficients(motion: DrivenMotion) -> dict[str, torch.Tensor]:
    """The curve [F] of every direction."""
    assert motion.curves is not None
    columns = torch.cat([*motion.curves.coefficients()]).T
    return dict(zip(motion.curves.names, columns, strict=True))


def directions(poses: np.ndarray) -> np.ndarray:
    """Yaw and pitch [F, 2] in degrees of poses [F, 4, 4]."""
    x, y, z = poses[:, :3, 2].T
    return np.degrees(np.stack([np.arctan2(x, z), np.arcsin(y)], 1))


@pytest.mark.parametrize("given", [{"still": True}, {"style": "lively", "take": 5}, {"head": 0.0}])
def test_the_mouth_is_the_same_bit_for_bit_whatever_the_rest_does(
    model: SpeechToMotion, audio: Path, given: dict[str, Any]
):
    usual, other = (coefficients(moved(model, audio, **g)) for g in ({}, given))
    spoken = [name for name in usual if name.startswith("speech_")]
    assert spoken and all(torch.equal(usual[name], other[name]) for name in spoken)
    rest = [name for name in usual if name not in spoken]
    assert rest and not all(torch.equal(usual[n], other.get(n, usual[n] * 0)) for n in rest)
    assert not any(name.startswith(("mouth", "jaw", "tongue", "cheek")) for name in rest)


def test_eyes_stay_on_the_camera_while_the_head_moves(written: Export):
    with np.load(written("motion.npz", gaze="camera", style="lively")) as saved:
        eyes = gaze_degrees(EYES, saved["rest"].astype(float), saved["offsets"].astype(float))
        head = directions(saved["head_pose"].astype(float))
    assert np.abs(head).max() > 2
    in_world = eyes.mean(1) + head
    assert np.abs(in_world).mean(0).max() < 1.5 < np.abs(head).max()
    assert np.corrcoef(eyes.mean(1)[:, 1], head[:, 1])[0, 1] < -0.7


def test_a_live_link_take_has_the_eyes_and_the_head(written: Export):
    path = written("face.csv", gaze="10,-5", head=0.0)
    take = read_take(path)
    weights = dict(zip(WEIGHTS, take.weights.T, strict=True))
    assert weights["eyeLookOutLeft"].mean() == pytest.approx(10 / EYE_DEGREES["Out"], abs=0.02)
    assert weights["eyeLookInRight"].mean() == pytest.approx(10 / EYE_DEGREES["In"], abs=0.02)
    assert weights["eyeLookDownLeft"].mean() == pytest.approx(5 / EYE_DEGREES["Down"], abs=0.02)
    names, *rows = (line.split(",") for line in path.read_text().splitlines())
    columns = np.array([row[2:] for row in rows], float).mean(0)
    angles = dict(zip(names[2:], np.degrees(columns), strict=True))
    for eye in ("Left", "Right"):
        assert angles[f"{eye}EyeYaw"] == pytest.approx(-10, abs=1)
        assert angles[f"{eye}EyePitch"] == pytest.approx(5, abs=1)
    assert np.abs(take.head).max() < 1e-6
    assert np.abs(read_take(written("moved.csv")).head).max() > 0.02


def test_a_glb_has_the_eyes_as_morph_targets_and_the_head_as_a_joint(written: Export):
    file = read_glb(written("face.glb", gaze="10,0"))
    assert {"eyeLookOutLeft", "eyeLookInRight", "eyeBlinkLeft", "browInnerUp"} <= {*file.names}
    paths = {c["target"]["path"] for c in file.content["animations"][0]["channels"]}
    assert paths == {"weights", "rotation", "translation"}


def test_flames_eyes_look_where_they_should(written: Export, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    read = read_flame_parameters(
        written("flame.npz", flame=write_flame(tmp_path), gaze="10,-5", head=0.0)
    )
    left, right = np.degrees(read.eyes.numpy()).reshape(-1, 2, 3).transpose(1, 0, 2)
    for eye in (left, right):
        assert eye[:, 1].mean() == pytest.approx(10, abs=2.5)
        assert eye[:, 0].mean() == pytest.approx(5, abs=2.5)


def test_a_network_moves_the_head_and_nothing_else(
    model: SpeechToMotion, audio: Path, tmp_path: Path
):
    torch.manual_seed(0)
    net = PoseNet(torch.tensor([6.0, 4.0, 2.0]), PoseNetOptions(16, 8)).eval()
    save_pose_net(net, tmp_path / "head.safetensors", {})
    given = {"head_weights": tmp_path / "head.safetensors", "head": 0.5}
    usual, learned = moved(model, audio), moved(model, audio, **given)
    usual_curves, curves = coefficients(usual), coefficients(learned)
    turning = {name for name in curves if not torch.equal(curves[name], usual_curves[name])}
    assert turning and all(name.startswith("eyeLook") for name in turning)
    prosody = prosody_of(load_audio(audio))
    made = learned_head(load_pose_net(given["head_weights"]), prosody, 25.0, 100, 0)
    angles = torch.rad2deg(head_angles(learned.head_pose))
    torch.testing.assert_close(angles.double(), 0.5 * torch.from_numpy(made), atol=1e-3, rtol=0)


def test_the_camera_is_looked_at_where_it_stands(audio: Path, avatar_file: Path):
    options = DriveOptions(avatar_file, audio, gaze="camera", azimuth=20.0, elevation=-40.0)
    behaviour = plan_drive(options, film=False).direction.behaviour
    assert behaviour is not None
    gaze = behaviour.gaze
    assert (gaze.x, gaze.y, gaze.free) == (20.0, -12.0, False)


WRONG = [
    ({"head": 3.0}, "--head 3: must be from 0 to 2"),
    ({"gaze": "up"}, "--gaze up: must be free, camera, or X,Y in degrees"),
    ({"gaze": "40,0"}, "--gaze 40,0: eyes and head reach 25 degrees sideways"),
    ({"gaze": "nan,0"}, "--gaze nan,0: eyes and head reach"),
    ({"take": 2, "still": True}, "--take and --still"),
    ({"head_weights": DEMO_VOICE, "still": True}, "--head-weights and --still"),
    ({"head_weights": DEMO_VOICE}, "demo_voice.flac: "),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_what_cannot_be_is_told(written: Export, given: dict[str, Any], said: str):
    with pytest.raises(InputError, match=said.replace("?", ".")):
        written("face.csv", **given)
