"""Convert an avatar between GaussianAvatars' layout and the one file that driving needs."""

from configs.cli import main

if __name__ == "__main__":
    main("convert")
