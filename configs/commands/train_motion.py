"""Train speech-to-motion weights on clips of speech with face motion."""

from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.training.distributed import check_alone, leads
from audio2mesh.training.run import fit, score_lines
from audio2mesh.training.tongue import fit_tongue
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable
from configs.joint import critic_factories, critic_record, training_device
from configs.training_options import TrainMotionOptions


def main(options: TrainMotionOptions) -> None:
    train, critics = options.fit.train, options.critics
    use_threads(options.fit.threads)
    check_steps(train.steps, train.save_every)
    check_writable(options.out)
    device = training_device(options.fit.device, train.losses.lipreading > 0, critics)
    head = load_head()
    data = load_sources(options.sources, face_units(head), face_geometry(head), head.topology)
    made, told = critic_factories(critics, head), critic_record(critics)
    if options.fit.tongue_only:
        check_alone("--tongue-only")
        scores = fit_tongue(options.fit, options.out, to_common_basis(data), device)
    else:
        scores = fit(options.fit, options.out, to_common_basis(data), made, device, told)
    if leads():
        print("\n".join([*score_lines(scores), f"wrote {options.out}"]))
