"""Train speech-to-motion weights on clips of speech with face motion."""

from audio2mesh.fit import FitOptions, fit
from avatar.heads import face_geometry, face_units, load_head
from configs.command import run_command


def main(options: FitOptions) -> None:
    head = load_head(options.head)
    fit(options, face_units(head), face_geometry(head))


if __name__ == "__main__":
    run_command(main, FitOptions)
