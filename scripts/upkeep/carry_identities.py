"""Write the shape space of anny-head where `avatar.heads` reads it."""

from dataclasses import dataclass
from pathlib import Path

from avatar.heads.shape_space import extend_modes
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb


@dataclass(frozen=True)
class IdentityOptions:
    """Extend modes of identity, carried onto the face of anny-head, to all of its vertices. Needed
    only to replace the shape space that ships."""

    source: Path
    """The carried modes, .npz: `vertex` [P] of anny-head, `modes` [M, P, 3] in metres per standard
    deviation."""
    out: Path = Path("avatar/heads/data/identity_modes.npz")
    """The .npz to write."""
    modes: int = 50
    """How many modes to keep, the largest first."""


def carry(options: IdentityOptions) -> None:
    check_writable(options.out)
    extend_modes(options.source, options.out, options.modes)
    print(f"wrote {options.out}: {options.modes} modes")


main(Verb(IdentityOptions, carry), __name__)
