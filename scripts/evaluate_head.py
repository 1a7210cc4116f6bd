"""Measure how heads, eyes, brows and lids move while somebody speaks."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-head")
