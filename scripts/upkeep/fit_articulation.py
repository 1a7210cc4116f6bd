"""Fit the coarticulation model to clips of real motion with phones."""

from audio2mesh.data.clips import Clip
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_units
from common.threads import use_threads
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.corpus.dominance import DominanceModel, save_dominance
from research.corpus.fit_dominance import explained, fit_to_clips
from research.corpus.options import ArticulationOptions


def fit(options: ArticulationOptions) -> None:
    use_threads(options.threads)
    check_writable(options.out)
    head = load_head()
    used, held, models = fit_to_clips(options, face_units(head), head.vertices)
    for clip in held:
        _report(clip, models)
    names = ", ".join(clip.name for clip in used)
    save_dominance(options.out, models["matched"], f"{names}; {options.train}")
    print(f"wrote {options.out}: fitted to {names}")


def _report(clip: Clip, models: dict[str, DominanceModel]) -> None:
    """R² of each unit on a clip that was held out."""
    scores = {name: explained(model, clip) for name, model in models.items()}
    print(f"R² on {clip.name:17s}" + "".join(f"{name:>10s}" for name in models))
    for unit in next(iter(scores.values())):
        print(f"{unit:23s}" + "".join(f"{scores[name][unit]:10.3f}" for name in models))


main(Verb(ArticulationOptions, fit), __name__)
