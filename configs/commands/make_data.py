"""Make synthetic captures and clips to train on. Each verb imports what it needs."""

from audio2mesh.corpus.options import CorpusOptions
from avatar.synthetic.capture.options import CaptureOptions
from common.threads import use_threads


def make_synthetic_capture(options: CaptureOptions) -> None:
    from avatar.synthetic.capture import make_capture
    from avatar.synthetic.film.make import make_film

    made = make_film(options) if options.film else make_capture(options)
    print(
        f"wrote {options.out}: {made.pictures} pictures ({made.drawn} drawn now), "
        f"{made.megabytes:.0f} MB"
    )


def make_corpus(options: CorpusOptions) -> None:
    from audio2mesh.corpus.build import build_corpus, table
    from common.training_loop import check_steps

    use_threads(options.threads)
    check_steps(options.recogniser.steps, options.recogniser.save_every, "recogniser")
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")
