"""Train the lip reader, whose frozen features are the lip-reading loss."""

from configs.cli import main

if __name__ == "__main__":
    main("train lips")
