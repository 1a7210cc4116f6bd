"""Train the networks."""

from dataclasses import asdict

import torch

from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.pose_vae.fit import fit_pose
from audio2mesh.pose_vae.options import PoseFitOptions
from audio2mesh.sync.fit import fit_syncnet
from audio2mesh.sync.offsets import format_score
from audio2mesh.sync.options import SyncFitOptions
from audio2mesh.training.distributed import check_alone, leads, local_rank, process_group
from audio2mesh.training.run import Scores, fit, score_lines
from audio2mesh.training.tongue import fit_tongue
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from common.device import pick_device
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable
from configs.joint import critic_factories, critic_record, training_device
from configs.options import TrainMotionOptions


def train_motion(options: TrainMotionOptions) -> None:
    train = options.fit.train
    use_threads(options.fit.threads)
    check_steps(train.steps, train.save_every)
    check_writable(options.out)
    if options.fit.tongue_only:
        check_alone("--tongue-only")
    device = training_device(options.fit.device, train.losses.lipreading > 0)
    with process_group(device):
        scores = _fitted(options, device)
    if leads():
        print("\n".join([*score_lines(scores), f"wrote {options.out}"]))


def _fitted(options: TrainMotionOptions, device: torch.device) -> Scores:
    head = load_head()
    data = load_sources(options.sources, face_units(head), face_geometry(head), head.topology)
    if options.fit.tongue_only:
        return fit_tongue(options.fit, options.out, to_common_basis(data), device)
    made, told = critic_factories(options.critics, head), critic_record(options.critics)
    return fit(options.fit, options.out, to_common_basis(data), made, device, told)


def train_sync(options: SyncFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    device, head = pick_device(options.device, index=local_rank()), load_head()
    scores = fit_syncnet(options, face_units(head), face_geometry(head), device)
    lines = [format_score(name, score) for name, score in scores.items()]
    if leads():
        print("\n".join([*lines, f"wrote {options.out}"]))


def train_pose(options: PoseFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    scores = fit_pose(options, pick_device(options.device, index=local_rank()))
    for name, value in asdict(scores).items() if scores else ():
        print(f"{name:>10} {value:.3g}")
    if leads():
        print(f"wrote {options.out}")
