"""Track a face through a film."""

from configs.cli import main

if __name__ == "__main__":
    main("track")
