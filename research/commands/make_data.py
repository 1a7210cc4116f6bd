"""Make synthetic captures and clips to train on; train the lip reader."""

from common.device import pick_device
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable
from research.captures.options import CaptureOptions
from research.corpus.options import CorpusOptions
from research.lipreading.options import LipFitOptions


def make_synthetic_capture(options: CaptureOptions) -> None:
    from research.captures.film import make_film
    from research.captures.make import make_capture

    made = make_film(options) if options.film else make_capture(options)
    print(
        f"wrote {options.out}: {made.pictures} pictures ({made.drawn} drawn now), "
        f"{made.megabytes:.0f} MB"
    )


def make_corpus(options: CorpusOptions) -> None:
    from research.corpus.build import build_corpus, table

    use_threads(options.threads)
    check_steps(options.recogniser.steps, options.recogniser.save_every, "recogniser")
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")


def train_lips(options: LipFitOptions) -> None:
    from audio2mesh.training.distributed import leads, local_rank
    from research.lipreading.train import fit_lipreader

    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    scores = fit_lipreader(options, pick_device(options.device, index=local_rank()))
    for name, value in scores.items():
        print(f"{name:>10} error rate {100 * value:6.1f} %")
    if leads():
        print(f"wrote {options.out}")
