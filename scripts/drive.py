"""Make a talking-head video of an avatar from a voice recording or recorded face motion."""

from configs.cli import main

if __name__ == "__main__":
    main("drive")
