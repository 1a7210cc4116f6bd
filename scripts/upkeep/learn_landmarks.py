"""Learn how landmarks err, and write it where `avatar.tracking` reads it."""

from dataclasses import dataclass
from pathlib import Path

from avatar.tracking.landmarks import SKIN_POINTS
from common.arrays import write_arrays
from common.device import ThreadOptions
from common.errors import InputError
from common.threads import use_threads
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.upkeep.learn_landmarks import learnt_from


@dataclass(frozen=True)
class LearnLandmarksOptions(ThreadOptions):
    """Learn from pictures of made-up people how the network of landmarks errs. Needed only after a
    change to the network or to what made-up people look like."""

    out: Path = Path("avatar/tracking/data/landmarks_on_anny_head.npz")
    """The .npz to write."""
    people: int = 24
    """How many people."""
    pictures: int = 20
    """How many pictures of each."""


def learn(options: LearnLandmarksOptions) -> None:
    for name, least in (("people", 1), ("pictures", 8)):
        if getattr(options, name) < least:
            raise InputError(f"--{name} {getattr(options, name)}: must be at least {least}")
    check_writable(options.out)
    use_threads(options.threads)
    arrays = learnt_from(options.people, options.pictures)
    write_arrays(options.out, {key: value.numpy() for key, value in arrays.items()})
    spread = 1e3 * float(arrays["spread"][list(SKIN_POINTS)].median())
    print(f"wrote {options.out}: landmarks err by {spread:.2f} mm besides (median)")


main(Verb(LearnLandmarksOptions, learn), __name__)
