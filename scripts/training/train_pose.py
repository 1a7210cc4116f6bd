"""Train a network that moves a head by a voice."""

from configs.cli import main

if __name__ == "__main__":
    main("train pose")
