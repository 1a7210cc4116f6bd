"""Build the phone-timed corpus: recordings of speech → clips with modelled mouth motion."""

from audio2mesh.corpus.build import CorpusOptions, build_corpus, table
from configs.command import run_command


def main(options: CorpusOptions) -> None:
    rows = build_corpus(options)
    print("\n".join(table(rows)))
    print(f"wrote {options.out} and {options.test_out}")


if __name__ == "__main__":
    run_command(main, CorpusOptions)
