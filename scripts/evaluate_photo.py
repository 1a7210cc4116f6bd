"""Measure an avatar that was made of photos."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-photo")
