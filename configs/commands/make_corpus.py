"""Build the phone-timed corpus: recordings of speech → clips with modelled mouth motion."""

from audio2mesh.corpus.build import CorpusOptions, build_corpus, table


def main(options: CorpusOptions) -> None:
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")
