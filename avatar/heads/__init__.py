"""Head topologies: rest mesh, faces, expression units and named regions."""

from avatar.heads.eyelids import eyeball as eyeball
from avatar.heads.eyelids import fit_units as fit_units
from avatar.heads.head import Head as Head
from avatar.heads.head import load_head as load_head
