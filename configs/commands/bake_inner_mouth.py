"""Paint the teeth and the tongue that scans get, and write them where `avatar.scans` reads them."""

from avatar.synthetic.portrait.inner_mouth import baked_inner_mouth
from common.arrays import write_arrays
from common.writable import check_writable
from configs.commands.upkeep_options import BakeOptions


def main(options: BakeOptions) -> None:
    check_writable(options.out)
    arrays = baked_inner_mouth()
    write_arrays(options.out, arrays)
    print(f"wrote {options.out}: {len(arrays['binding'])} Gaussians")
