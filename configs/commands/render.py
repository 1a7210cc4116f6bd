"""Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

from avatar.drive.options import ReplayOptions
from avatar.drive.render import replay
from common.threads import use_threads


def main(options: ReplayOptions) -> None:
    use_threads(options.threads)
    film = replay(options)
    print(f"wrote {options.out}: {film.frames} frames at {film.fps:g} fps")
