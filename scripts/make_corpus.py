"""Build the phone-timed corpus: recordings of speech → clips with modelled mouth motion."""

from configs.cli import main

if __name__ == "__main__":
    main("make-corpus")
