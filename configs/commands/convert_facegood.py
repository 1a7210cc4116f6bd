"""Turn the public release of FACEGOOD-Audio2Face into clips that train_audio2mesh.py reads."""

from dataclasses import dataclass
from pathlib import Path

from audio2mesh.data.facegood_release import convert_release
from audio2mesh.data.sources import RESERVED


@dataclass(frozen=True)
class FacegoodOptions:
    """Convert speech with mouth motion (MIT licence) to speech-motion clips.

    First: git clone https://github.com/FACEGOOD/FACEGOOD-Audio2Face
    """

    release: Path
    """Folder of the cloned repository."""
    out: Path
    """Folder for the clips, <id>.wav and <id>.npz; made if absent."""
    exclude: tuple[str, ...] = RESERVED
    """Ids of clips that are left out; by default those kept for the last measurement."""


def main(options: FacegoodOptions) -> None:
    for done in convert_release(options.release, options.out, options.exclude):
        print(done)
