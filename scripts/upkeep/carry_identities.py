"""Write the shape space of anny-head where `avatar.heads` reads it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.heads import load_head
from common.arrays import write_arrays
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.upkeep.carry_identities import shape_space


@dataclass(frozen=True)
class IdentityOptions:
    """Make the shape space of anny-head from ICT-FaceKit and Google's GNM Head. Needed only to
    replace the one that ships."""

    ict: Path
    """The modes of ICT-FaceKit on the face of anny-head, .npz: `vertex` [P], `modes` [50 or
    more, P, 3] in metres per standard deviation, `neutral` [P, 3]."""
    gnm: Path
    """gnm_head.npz of GNM v3, of which the mean head is taken."""
    out: Path = Path("avatar/heads/data/identity_modes.npz")
    """The .npz to write."""


def carry(options: IdentityOptions) -> None:
    check_writable(options.out)
    modes = shape_space(load_head(), options.ict, options.gnm)
    write_arrays(options.out, {"modes": modes.astype(np.float16)})
    print(f"wrote {options.out}: {len(modes)} modes")


main(Verb(IdentityOptions, carry), __name__)
