"""Build a demo avatar."""

from dataclasses import dataclass
from pathlib import Path

from avatar.avatar_io.avatar_file import save_avatar
from avatar.people.build import PARTS, build_avatar
from common.errors import InputError
from common.progress import progress_bar
from common.threads import use_threads
from common.writable import check_writable
from configs.cli import main
from configs.looks import LOOKS, LookName
from configs.verbs import Verb


@dataclass(frozen=True)
class DemoAvatarOptions:
    """Build a demo avatar: a procedural portrait on the open head."""

    out: Path
    """The avatar file to write (.ply)."""
    look: LookName = "woman"
    """Which portrait to make."""
    seed: int = 0
    """Seed of everything that is left to chance; the same seed gives the same file."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


def paint(options: DemoAvatarOptions) -> None:
    use_threads(options.threads)
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    check_writable(options.out)
    with progress_bar("painting", PARTS, unit="parts/s") as done:
        avatar = build_avatar(LOOKS[options.look], options.seed, done)
    save_avatar(options.out, avatar)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians, look {options.look}")


main(Verb(DemoAvatarOptions, paint), __name__)
