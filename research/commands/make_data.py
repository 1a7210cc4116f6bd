"""Make synthetic captures and clips to train on. Each verb imports what it needs."""

from common.threads import use_threads
from research.captures.options import CaptureOptions
from research.corpus.options import CorpusOptions


def make_synthetic_capture(options: CaptureOptions) -> None:
    from research.captures.film import make_film
    from research.captures.make import make_capture

    made = make_film(options) if options.film else make_capture(options)
    print(
        f"wrote {options.out}: {made.pictures} pictures ({made.drawn} drawn now), "
        f"{made.megabytes:.0f} MB"
    )


def make_corpus(options: CorpusOptions) -> None:
    from common.training_loop import check_steps
    from research.corpus.build import build_corpus, table

    use_threads(options.threads)
    check_steps(options.recogniser.steps, options.recogniser.save_every, "recogniser")
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")
