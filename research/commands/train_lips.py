"""Train the lip reader on synthetic people."""

from audio2mesh.training.distributed import leads, local_rank
from common.device import pick_device
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable
from research.lipreading.options import LipFitOptions
from research.lipreading.train import fit_lipreader


def train_lips(options: LipFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    scores = fit_lipreader(options, pick_device(options.device, index=local_rank()))
    for name, value in scores.items():
        print(f"{name:>10} error rate {100 * value:6.1f} %")
    if leads():
        print(f"wrote {options.out}")
