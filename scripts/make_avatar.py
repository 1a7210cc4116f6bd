"""Make an avatar of a real person."""

from configs.cli import main

if __name__ == "__main__":
    main("make-avatar")
