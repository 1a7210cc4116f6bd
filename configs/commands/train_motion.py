"""Train speech-to-motion weights on clips of speech with face motion."""

import torch

from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.training.distributed import check_alone, leads, process_group
from audio2mesh.training.run import Scores, fit, score_lines
from audio2mesh.training.tongue import fit_tongue
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable
from configs.joint import critic_factories, critic_record, training_device
from configs.training_options import TrainMotionOptions


def main(options: TrainMotionOptions) -> None:
    train = options.fit.train
    use_threads(options.fit.threads)
    check_steps(train.steps, train.save_every)
    check_writable(options.out)
    if options.fit.tongue_only:
        check_alone("--tongue-only")
    device = training_device(options.fit.device, train.losses.lipreading > 0)
    with process_group(device):
        scores = _trained(options, device)
    if leads():
        print("\n".join([*score_lines(scores), f"wrote {options.out}"]))


def _trained(options: TrainMotionOptions, device: torch.device) -> Scores:
    head = load_head()
    data = load_sources(options.sources, face_units(head), face_geometry(head), head.topology)
    if options.fit.tongue_only:
        return fit_tongue(options.fit, options.out, to_common_basis(data), device)
    made, told = critic_factories(options.critics, head), critic_record(options.critics)
    return fit(options.fit, options.out, to_common_basis(data), made, device, told)
