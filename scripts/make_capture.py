"""Render a synthetic capture with known truth."""

from configs.cli import main

if __name__ == "__main__":
    main("make-capture")
