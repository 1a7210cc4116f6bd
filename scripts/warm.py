"""Compile everything for this processor beforehand."""

from configs.cli import main

if __name__ == "__main__":
    main("warm")
