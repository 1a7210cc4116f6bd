"""Write the units of anny-head that come from another head where `avatar.heads` reads them."""

from dataclasses import dataclass
from pathlib import Path

from avatar.heads.head import own_head
from common.arrays import write_arrays
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.upkeep.carry_units import carried_units, packed_units


@dataclass(frozen=True)
class UnitOptions:
    """Carry expression shapes of ICT-FaceKit over to anny-head and mix them with its own units.
    Needed only to change the units that ship."""

    source: Path
    """The shapes, .npz: `neutral` [I, 3] and `faces` [M, 3] of ICT-FaceKit's mesh, `names` [S] of
    its expressions and `deltas` [S, I, 3], in any one unit of length."""
    out: Path = Path("avatar/heads/data/mixed_units.npz")
    """The .npz to write."""


def carry(options: UnitOptions) -> None:
    check_writable(options.out)
    units = carried_units(own_head(), options.source)
    write_arrays(options.out, packed_units(units))
    print(f"wrote {options.out}: {len(units)} units")


main(Verb(UnitOptions, carry), __name__)
