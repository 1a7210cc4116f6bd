"""Build an avatar from a tracked capture."""

from configs.cli import main

if __name__ == "__main__":
    main("reconstruct")
