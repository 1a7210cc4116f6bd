"""Make the films, or the motion, of many recordings on many avatars."""

from configs.cli import main

if __name__ == "__main__":
    main("batch")
