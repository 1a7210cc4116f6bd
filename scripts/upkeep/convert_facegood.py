"""Turn the public release of FACEGOOD-Audio2Face into clips to train on."""

from dataclasses import dataclass
from pathlib import Path

from configs.cli import main
from configs.verbs import Verb
from research.upkeep.facegood_release import convert_release


@dataclass(frozen=True)
class FacegoodOptions:
    """Convert speech with mouth motion (MIT licence) to speech-motion clips.

    First: git clone https://github.com/FACEGOOD/FACEGOOD-Audio2Face
    """

    release: Path
    """Folder of the cloned repository."""
    out: Path
    """Folder for the clips, <id>.wav and <id>.npz; made if absent."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are left out."""


def convert(options: FacegoodOptions) -> None:
    for done in convert_release(options.release, options.out, options.exclude):
        print(done)


main(Verb(FacegoodOptions, convert), __name__)
