"""Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

from avatar.drive.render import replay
from avatar.drive.render_options import ReplayOptions


def main(options: ReplayOptions) -> None:
    film = replay(options)
    print(f"wrote {options.output}: {film.frames} frames at {film.fps:g} fps")
