"""Measure how well a film was tracked, where the truth is known."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-tracking")
