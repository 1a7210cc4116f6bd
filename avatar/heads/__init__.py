"""Head topologies: rest mesh, faces, expression units and named regions."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.heads.head import Head as Head
    from avatar.heads.head import eyeball as eyeball
    from avatar.heads.head import fit_units as fit_units
    from avatar.heads.head import load_head as load_head
else:
    __getattr__ = lazy_names(__file__)
