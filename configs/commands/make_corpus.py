"""Build the phone-timed corpus: recordings of speech → clips with modelled mouth motion."""

from audio2mesh.corpus.build import build_corpus, table
from audio2mesh.corpus.options import CorpusOptions
from common.threads import use_threads


def main(options: CorpusOptions) -> None:
    use_threads(options.threads)
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")
