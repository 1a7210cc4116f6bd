"""Measure re-enactment, and whether performances tell who gave them."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-reenactment")
