"""Build the phone-timed corpus: recordings of speech → clips with modelled mouth motion."""

from audio2mesh.corpus.build import build_corpus, table
from audio2mesh.corpus.options import CorpusOptions
from common.threads import use_threads
from common.training_loop import check_steps


def main(options: CorpusOptions) -> None:
    use_threads(options.threads)
    check_steps(options.recogniser.steps, options.recogniser.save_every, "recogniser")
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")
