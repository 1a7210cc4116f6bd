"""Let avatars speak with each other's voices and measure."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-voices")
