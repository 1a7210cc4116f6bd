"""Measure spoken feelings: whether lips go on speaking, and whether the feeling is seen."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-emotion")
