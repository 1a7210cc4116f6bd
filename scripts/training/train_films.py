"""Tune speech-to-motion weights to films of people who speak."""

from configs.cli import main

if __name__ == "__main__":
    main("train films")
