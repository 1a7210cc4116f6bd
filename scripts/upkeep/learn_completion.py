"""Train the network that completes skin, and write it where `avatar.photo` reads it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.arrays import write_arrays
from common.device import ThreadOptions
from common.errors import InputError
from common.threads import use_threads
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.upkeep.learn_completion import heads_of, scores, train_completion


@dataclass(frozen=True)
class LearnCompletionOptions(ThreadOptions):
    """Train the completion of skin that no photo shows on pictures of skin, lit and seen at random.
    Needed only after a change to the library's skins or to what the network is given."""

    out: Path = Path("avatar/photo/data/completion.npz")
    """The .npz to write."""
    skins: tuple[Path, ...] = ()
    """Folders of more pictures of skin, of the layout of the library's (MakeHuman's)."""
    held_out: tuple[str, ...] = ()
    """Names of pictures that are kept for judging."""
    examples: int = 2500
    """How many heads are lit and seen."""
    steps: int = 2200
    """How many steps are trained, of 8 heads each."""


def learn(options: LearnCompletionOptions) -> None:
    for name in ("examples", "steps"):
        if getattr(options, name) < 1:
            raise InputError(f"--{name} {getattr(options, name)}: must be at least 1")
    check_writable(options.out)
    use_threads(options.threads)
    heads = heads_of(options.skins)
    unknown = sorted(set(options.held_out) - set(heads.albedos))
    if unknown:
        raise InputError(f"--held-out {unknown[0]}: no picture of skin has this name")
    names = [name for name in heads.albedos if name not in options.held_out]
    net = train_completion(heads, names, options.examples, options.steps)
    halves = {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
    write_arrays(options.out, halves)
    print(f"wrote {options.out}")
    for name in options.held_out:
        before, after = scores(heads, net, name)
        print(f"{name}: unseen skin is off by {after:.3f}, without the network by {before:.3f}")


main(Verb(LearnCompletionOptions, learn), __name__)
