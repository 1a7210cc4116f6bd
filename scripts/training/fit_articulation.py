"""Fit the coarticulation model to clips of real motion with phones."""

from configs.cli import main

if __name__ == "__main__":
    main("fit-articulation")
