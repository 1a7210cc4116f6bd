"""Build a demo avatar."""

from dataclasses import dataclass
from pathlib import Path

from avatar.avatar_io.avatar_file import save_avatar
from common.device import ThreadOptions
from common.errors import InputError
from common.progress import progress_bar
from common.threads import use_threads
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.people.looks import LOOKS, LookName
from research.people.person import PARTS, build_person
from research.people.sampler import random_person


@dataclass(frozen=True)
class DemoAvatarOptions(ThreadOptions):
    """Build a demo avatar: a made-up person of the library of parts that ships."""

    out: Path
    """The avatar file to write (.ply)."""
    look: LookName = "woman"
    """Which person to make; `random` is another one for each seed."""
    seed: int = 0
    """Seed of everything that is left to chance; the same seed gives the same file."""


def make(options: DemoAvatarOptions) -> None:
    use_threads(options.threads)
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    check_writable(options.out)
    person = LOOKS.get(options.look) or random_person(options.seed)
    with progress_bar("building", PARTS, unit="parts/s") as done:
        avatar = build_person(person, options.seed, done)
    save_avatar(options.out, avatar)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians, look {options.look}")


main(Verb(DemoAvatarOptions, make), __name__)
