"""Measure how like the pictures of a capture an avatar is, where it was not trained on them."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-avatar")
