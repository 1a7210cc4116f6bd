"""Train speech-to-motion weights on clips of speech with face motion."""

from audio2mesh.clips import FaceUnits
from audio2mesh.fit import FitOptions, fit
from audio2mesh.losses import FaceGeometry
from avatar.heads import load_head
from configs.command import run_command


def main(options: FitOptions) -> None:
    head = load_head(options.head)
    lips = (head.regions[name] for name in ("lips", "lip_inner_upper", "lip_inner_lower"))
    fit(options, FaceUnits(head.unit_names, head.units), FaceGeometry(head.vertices, *lips))


if __name__ == "__main__":
    run_command(main, FitOptions)
