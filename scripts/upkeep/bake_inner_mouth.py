"""Paint the teeth and the tongue that scans get, and write them for `avatar.retarget`."""

from dataclasses import dataclass
from pathlib import Path

from common.arrays import write_arrays
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.upkeep.inner_mouth import baked_inner_mouth


@dataclass(frozen=True)
class BakeOptions:
    """Make the teeth and tongue that scans get. Needed only after a change to how they are made."""

    out: Path = Path("avatar/retarget/data/inner_mouth.npz")
    """The .npz to write."""


def bake(options: BakeOptions) -> None:
    check_writable(options.out)
    arrays = baked_inner_mouth()
    write_arrays(options.out, arrays)
    print(f"wrote {options.out}: {len(arrays['binding'])} Gaussians")


main(Verb(BakeOptions, bake), __name__)
