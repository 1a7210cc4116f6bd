"""Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

from configs.cli import main

if __name__ == "__main__":
    main("render")
