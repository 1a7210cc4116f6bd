"""A whole training of head motion: it learns, and it goes on where it was broken off."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_off import same_weights, stop_inside_step
from pose_tracks import small_options, write_tracks
from support import Outcome

from audio2mesh.pose_vae.fit import PoseScores, fit_pose, load_pose_net
from audio2mesh.pose_vae.network import CONTEXT, HOP, MARGIN, head_motion
from audio2mesh.pose_vae.options import PoseTrainOptions
from audio2mesh.pose_vae.task import PoseTask, new_net, window_losses
from audio2mesh.pose_vae.tracks import load_tracks
from audio2mesh.training.trainer import Trainer
from common.errors import InputError
from common.network_files import training_record

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracks(tmp_path_factory.mktemp("made") / "tracks", 6)


@pytest.fixture(scope="module")
def learned(tracks: Path) -> tuple[PoseScores, Path]:
    out = tracks.parent / "learned.safetensors"
    scores = fit_pose(small_options(tracks, out, steps=150), CPU)
    assert scores is not None
    return scores, out


def test_it_learns_to_nod_with_the_voice(learned: tuple[PoseScores, Path], tracks: Path):
    scores, out = learned
    assert scores.error < 0.75 * scores.shuffled
    net, track = load_pose_net(out), load_tracks(tracks)[0]
    made = torch.stack([head_motion(net, track.voice, take) for take in range(6)])
    pitch = np.corrcoef(made.mean(0)[:, 1], track.angles[:, 1])[0, 1]
    assert pitch > 0.7


@pytest.mark.gpu
def test_it_learns_on_a_device(tracks: Path, tmp_path: Path, cuda: torch.device):
    on_cpu, there = (
        fit_pose(small_options(tracks, tmp_path / f"{device.type}.safetensors", steps=4), device)
        for device in (CPU, cuda)
    )
    assert on_cpu is not None and there is not None
    assert there.error == pytest.approx(on_cpu.error, rel=0.02)


def test_takes_differ_without_seams(learned: tuple[PoseScores, Path], tracks: Path):
    net, track = load_pose_net(learned[1]), load_tracks(tracks)[0]
    takes = torch.stack([head_motion(net, track.voice, take) for take in range(4)])
    assert (takes[:2] - takes[2:]).norm(dim=-1).mean() > 0.2 * track.angles.std(0).norm()
    acceleration = takes.diff(dim=1).diff(dim=1).norm(dim=-1)  # of the frames from 1 on
    frames, seams = torch.arange(takes.shape[1]), torch.arange(CONTEXT + HOP, takes.shape[1], HOP)
    since = frames[1:-1, None] - seams
    there = ((since >= -1) & (since <= MARGIN)).any(1)
    assert acceleration[:, there].mean() < 1.8 * acceleration[:, ~there].mean()


def test_a_run_that_is_stopped_inside_a_step_ends_as_if_it_had_not_been(
    tracks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    fit_pose(small_options(tracks, whole), CPU)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_inside_step(patch, 3)
        fit_pose(small_options(tracks, parts), CPU)
    fit_pose(small_options(tracks, parts), CPU)
    assert same_weights(whole, parts)
    assert not list(tmp_path.glob("*.state"))
    record = training_record(whole)
    assert record["held_out"] == ["0"] and record["tracks"] == ["1", "2", "3", "4", "5"]
    assert record["heard_seconds"] == pytest.approx(record["seconds"], abs=1)


def test_divergence_is_weighted_little_by_little(tracks: Path):
    """And a number of the code costs its free nats at least."""
    loaded = load_tracks(tracks)
    options = PoseTrainOptions(steps=100, batch=4, free=50.0)
    task = PoseTask(new_net(loaded, small_options(tracks, tracks).net, 0).eval(), loaded, options)
    batch = task.batch(0)
    terms = window_losses(task.net, batch)
    plain = terms["place"] + 5 * terms["velocity"] + 0.5 * terms["acceleration"]
    total, _ = task.losses(0)
    torch.testing.assert_close(total - plain, torch.tensor(0.03 / 30 * 8 * 50 / 300))


def test_the_sound_of_a_mirrored_head_is_the_same(tracks: Path):
    loaded = load_tracks(tracks)
    options = PoseTrainOptions(batch=64, unheard=0.0)
    task = PoseTask(new_net(loaded, small_options(tracks, tracks).net, 0), loaded, options)
    batch = task.batch(0)
    pitch = batch.angles[..., 1].flatten()
    energy = (batch.voice[..., 2] * batch.real[..., 0]).flatten()
    assert np.corrcoef(pitch, energy)[0, 1] > 0.9  # it never changes its sign, yaw does
    assert isinstance(Trainer(task, options).average, dict)


def test_a_file_of_something_else_is_refused(learned: tuple[PoseScores, Path], tmp_path: Path):
    path = tmp_path / "other.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="other"):
        load_pose_net(path)


def test_the_command(run_script: Callable[..., Outcome], tracks: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    made = ("--data", tracks, "--out", out, "--train.steps", 2, "--net.width", 16)
    outcome = run_script("train pose", *made, "--held-out", "0")
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-1] == f"wrote {out}" and "shuffled" in outcome.stdout
    outcome = run_script("train pose", *made, "--held-out", "you")
    assert outcome.status == 2
    assert outcome.stderr.splitlines()[-1] == f"error: {tracks}: no track is called you"
