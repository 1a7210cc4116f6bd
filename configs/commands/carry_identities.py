"""Write the shape space of anny-head where `avatar.heads` reads it."""

from avatar.heads.identity import extend_modes
from common.writable import check_writable
from configs.commands.upkeep_options import IdentityOptions


def main(options: IdentityOptions) -> None:
    check_writable(options.out)
    extend_modes(options.source, options.out, options.modes)
    print(f"wrote {options.out}: {options.modes} modes")
