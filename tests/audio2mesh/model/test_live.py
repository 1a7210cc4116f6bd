import itertools
from importlib.resources import as_file, files

import numpy as np
import pytest
import torch
from speech_models import syllables, tiny_model

from audio2mesh import load_model
from audio2mesh.data.face_geometry import lip_gap
from audio2mesh.model import live as live_motion
from audio2mesh.model.live import LiveMotion
from audio2mesh.model.stream import stream_coefficients, stream_offsets
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry
from common.network_files import training_record


def _live(model, audio: np.ndarray, block: int = 1_600) -> torch.Tensor:
    live = LiveMotion(model)
    pieces = [audio[i : i + block] for i in range(0, len(audio), block)]
    heard = torch.cat([*(live.push(piece) for piece in pieces), live.finish()])
    return model.motion(heard).offsets()


@pytest.mark.parametrize("samples", [0, 1, 319, 16_000, 27_777, 100_001])
@pytest.mark.parametrize("fps", [25, 30])
def test_as_many_frames_as_offline(samples: int, fps: int):
    model = tiny_model(moving=True, fps=fps)
    audio = syllables(7.0)[0][:samples]
    live, offline = _live(model, audio), torch.cat(list(stream_offsets(model, [audio])))
    assert live.shape == offline.shape and live.dtype == torch.float32


def test_blocks_of_any_size_give_the_same_motion():
    model, (audio, _) = tiny_model(moving=True), syllables(7.3)
    live = LiveMotion(model)
    cuts = np.cumsum([0, 1, 0, 5_000, 640, 70_001, len(audio)])
    pieces = [live.push(audio[a:b]) for a, b in itertools.pairwise(cuts)]
    made = model.motion(torch.cat([*pieces, live.finish()])).offsets()
    assert torch.equal(made, _live(model, audio))


@pytest.mark.parametrize("changes", [{}, {"STEP": 2, "LOOKAHEAD": 8}, {"STEP": 1, "LOOKAHEAD": 3}])
def test_no_frame_is_later_than_the_latency(changes: dict, monkeypatch: pytest.MonkeyPatch):
    for name, value in changes.items():
        monkeypatch.setattr(live_motion, name, value)
    model, (audio, _) = tiny_model(), syllables(4.0)
    live = LiveMotion(model)
    assert live.latency <= 0.4
    frames = 0
    for heard in range(160, len(audio) + 1, 160):
        frames += len(live.push(audio[heard - 160 : heard]))
        assert heard / 16_000 - frames / 25 < live.latency + 0.01
        if frames:
            assert heard / 16_000 - frames / 25 > live_motion.LOOKAHEAD / 25 - 1e-9


def test_what_is_said_later_does_not_change_what_came_out():
    model, (audio, _) = tiny_model(moving=True), syllables(6.0)
    other = audio.copy()
    other[48_000:] = 0
    first, second = (LiveMotion(model).push(sound[:48_000]) for sound in (audio, other))
    whole = _live(model, audio)
    assert torch.equal(first, second)
    assert torch.equal(model.motion(first).offsets(), whole[: len(first)])


def test_runs_meet_without_a_seam():
    model, (audio, _) = tiny_model(moving=True), syllables(10.0)
    step = live_motion.STEP
    jumps = _live(model, audio).diff(dim=0).flatten(1).norm(dim=1)
    at_seam = torch.zeros(len(jumps), dtype=torch.bool)
    for seam in range(step, len(jumps), step):
        at_seam[seam - 1] = True
    assert jumps[at_seam].mean() < 1.2 * jumps[~at_seam].mean()


def test_all_that_comes_out_is_on_the_device_of_the_model():
    """Shapes alone are worked out on the meta device; an operation on two devices fails there."""
    model, (audio, _) = tiny_model(moving=True), syllables(4.0)
    expected = _live(model, audio)
    live = _live(model.to("meta"), audio)
    assert live.is_meta and live.shape == expected.shape


@pytest.mark.gpu
@pytest.mark.parametrize("changes", [{}, {"STEP": 2, "LOOKAHEAD": 8, "FADE": 0}])
def test_live_motion_on_the_device_is_the_one_on_the_cpu(
    changes: dict, cuda: torch.device, monkeypatch: pytest.MonkeyPatch
):
    for name, value in changes.items():
        monkeypatch.setattr(live_motion, name, value)
    model, (audio, _) = tiny_model(moving=True), syllables(3.0)
    expected = _live(model, audio)
    with torch.backends.cudnn.flags(allow_tf32=False):
        live = _live(model.to(cuda), audio)
    assert live.device.type == "cuda"
    assert (live.cpu() - expected).abs().max() < 1e-3 * expected.abs().max()


def test_an_unknown_style_is_named():
    with pytest.raises(ValueError, match="no speaking style 'angry'"):
        LiveMotion(tiny_model(), "angry")


@pytest.fixture(scope="module")
def shipped():
    return load_model()


@pytest.fixture(scope="module")
def lip_error() -> float:
    """The shipped weights' own error on clips held out from their training, mm²."""
    with as_file(files("audio2mesh").joinpath("weights", "anny_head.safetensors")) as path:
        scores = training_record(path)["scores"].values()
    return float(np.mean([score["lve_mm2"] for score in scores]))


@pytest.fixture(scope="module")
def head_face():
    return face_geometry(load_head())


def test_live_motion_is_the_offline_one_to_the_eye(shipped, head_face, lip_error, voice):
    """The lips differ by less than 10 % of the weights' own error, and move as smoothly."""
    said = voice[: 6 * 16_000]
    live = _live(shipped, said)[:, head_face.lips]
    offline = torch.cat(list(stream_offsets(shipped, [said])))[:, head_face.lips]
    error = (live - offline).square().sum(-1).amax(-1).mean() * 1e6
    assert error < 0.1 * lip_error
    acceleration = [motion.diff(n=2, dim=0).norm(dim=-1).mean() for motion in (live, offline)]
    assert acceleration[0] < 1.15 * acceleration[1]


def test_loudness_changes_little(shipped, head_face, lip_error, voice):
    usual, quiet = (_live(shipped, gain * voice[:48_000]) for gain in (1.0, 0.01))
    error = (usual - quiet)[:, head_face.lips].square().sum(-1).amax(-1).mean() * 1e6
    assert error < 0.1 * lip_error


def test_a_long_pause_keeps_the_mouth_shut(shipped, head_face, voice):
    """Longer than the memory for loudness, with faint noise, and after speech."""
    noise = 0.001 * np.random.default_rng(0).standard_normal(9 * 16_000)
    audio = np.concatenate([voice[:32_000], noise]).astype(np.float32)
    live = LiveMotion(shipped)
    coefficients = torch.cat([live.push(audio), live.finish()])
    gap = lip_gap(shipped.motion(coefficients), head_face) * 1000
    usual = lip_gap(
        shipped.motion(torch.cat(list(stream_coefficients(shipped, [voice[:32_000]])))), head_face
    )
    assert gap[70:].quantile(0.98) < 0.15 * usual.quantile(0.95) * 1000
