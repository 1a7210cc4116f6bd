"""Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

from avatar.drive.render import replay
from avatar.drive.render_options import ReplayOptions
from configs.command import run_command


def main(options: ReplayOptions) -> None:
    film = replay(options)
    print(f"wrote {options.output}: {film.frames} frames at {film.fps:g} fps")


if __name__ == "__main__":
    run_command(main, ReplayOptions)
