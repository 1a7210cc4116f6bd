"""Train a SyncNet3D: does this mouth belong to this sound?"""

from audio2mesh.sync.check import format_score
from audio2mesh.sync.fit import fit_syncnet
from audio2mesh.sync.options import SyncFitOptions
from audio2mesh.training.distributed import leads, local_rank
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from common.device import pick_device
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable


def main(options: SyncFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    device, head = pick_device(options.device, index=local_rank()), load_head()
    scores = fit_syncnet(options, face_units(head), face_geometry(head), device)
    lines = [format_score(name, score) for name, score in scores.items()]
    if leads():
        print("\n".join([*lines, f"wrote {options.out}"]))
