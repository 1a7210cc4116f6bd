"""Train a network that moves a head by a voice."""

from dataclasses import asdict

from audio2mesh.head.fit import fit_pose
from audio2mesh.head.options import PoseFitOptions
from audio2mesh.training.distributed import leads, local_rank
from common.device import pick_device
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable


def main(options: PoseFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    scores = fit_pose(options, pick_device(options.device, index=local_rank()))
    for name, value in asdict(scores).items() if scores else ():
        print(f"{name:>10} {value:.3g}")
    if leads():
        print(f"wrote {options.out}")
