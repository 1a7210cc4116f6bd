"""Add a speaking style to weights that is learned of films of people who speak."""

from configs.cli import main

if __name__ == "__main__":
    main("train films")
