"""Every training that processes share: they learn the same weights, and one of them writes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from forked import two_processes
from lip_reels import bright_windows
from pose_tracks import small_options, write_tracks
from small_runs import FACE, UNITS, write_clips
from support import ROOT, free_port

from audio2mesh.lipreading.network import LipReadNet, LipReadOptions
from audio2mesh.pose_vae.fit import fit_pose, load_pose_net
from audio2mesh.sync.critic import load_syncnet
from audio2mesh.sync.fit import fit_syncnet
from audio2mesh.sync.options import ContrastOptions, SyncFitOptions, SyncNetOptions
from audio2mesh.training.distributed import own_part, process_group
from audio2mesh.training.trainer import Trainer
from common.errors import InputError
from configs.command import named
from configs.verbs import VERBS
from research.lipreading.lip_task import lip_trainer
from research.lipreading.options import LipTrainOptions

CPU = torch.device("cpu")
Work = Callable[[Path], None]


def pose(folder: Path) -> None:
    fit_pose(small_options(folder / "tracks", folder / "pose.safetensors", steps=3), CPU)


def sync(folder: Path) -> None:
    train = ContrastOptions(steps=3, batch=4, pool=3, renew=2, windows=8)
    out, net = folder / "sync.safetensors", SyncNetOptions(16, 8)
    data = (folder / "clips",)
    options = SyncFitOptions(data, "loss", out, held_out=("two",), net=net, train=train)
    fit_syncnet(options, UNITS, FACE, CPU)


def lips(folder: Path) -> None:
    train = LipTrainOptions(steps=3, batch=2, frames=12, rehearsal=1, looking=1)
    torch.manual_seed(int(os.environ["RANK"]))  # the others take the first one's weights
    trainer = lip_trainer(LipReadNet(LipReadOptions(4, 24, 1, 2)), bright_windows(), train)
    for _ in range(3):
        trainer.train_step()


def _work(number: int, port: int, work: Work, folder: Path) -> None:
    """One process's part; what it has learned in the end goes to a file."""
    torch.set_num_threads(1)
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(number), "LOCAL_RANK": str(number)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    step = Trainer.train_step

    def kept(self: Trainer) -> dict[str, torch.Tensor]:
        losses = step(self)
        state = {n: t.detach().clone() for n, t in self.net.state_dict().items()}
        torch.save((state, losses), folder / f"{number}-{self.step}.pt")
        return losses

    Trainer.train_step = kept
    if work is lips:
        with process_group(CPU):
            work(folder)
    else:
        work(folder)


@pytest.mark.parametrize("work", [pose, sync, lips])
def test_two_processes_learn_the_same_of_halves_of_a_batch(work: Work, tmp_path: Path):
    write_tracks(tmp_path / "tracks", 2)
    write_clips(tmp_path / "clips")
    port = free_port()
    two_processes(_work, *((n, port, work, tmp_path) for n in range(2)), seconds=120)
    steps = [[torch.load(tmp_path / f"{n}-{step}.pt") for n in range(2)] for step in (1, 3)]
    for (one, mine), (other, yours) in steps:
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert any(mine[name] != yours[name] for name in mine)  # each saw windows of its own
    assert any(not torch.equal(steps[0][0][0][n], steps[1][0][0][n]) for n in steps[0][0][0])
    assert not list(tmp_path.glob("*.state"))
    if work is pose:
        load_pose_net(tmp_path / "pose.safetensors")
    if work is sync:
        load_syncnet(tmp_path / "sync.safetensors")


@pytest.mark.slow
def test_torchrun_starts_a_training(tmp_path: Path):
    write_tracks(tmp_path / "tracks", 2)
    given = ("--data", tmp_path / "tracks", "--out", tmp_path / "pose.safetensors")
    given += ("--train.steps", 4, "--train.batch", 8)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [*run, "-m", "configs.cli", "train", "pose", *map(str, given)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 1
    load_pose_net(tmp_path / "pose.safetensors")


def test_a_batch_that_does_not_divide_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("audio2mesh.training.distributed.world_size", lambda: 7)
    monkeypatch.setattr("audio2mesh.training.distributed.rank", lambda: 2)
    assert own_part(14) == slice(4, 6)
    with pytest.raises(InputError, match="cannot be shared evenly by 7 processes"):
        own_part(16)


@pytest.mark.parametrize("verb", ["train manner", "reconstruct"])
def test_what_one_process_does_is_not_done_by_several(verb: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=f"{verb} is the work of one process, not of 2"):
        named(VERBS[verb].command)(None)
