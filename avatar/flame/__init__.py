"""FLAME heads: the model, its files, its teeth, its landmarks and regions."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.flame.load import load_flame as load_flame
    from avatar.flame.model import FlameModel as FlameModel
    from avatar.flame.model import FlameParameters as FlameParameters
    from avatar.flame.model import flame_vertices as flame_vertices
    from avatar.flame.model import neutral as neutral
    from avatar.flame.parameters import read_flame_parameters as read_flame_parameters
    from avatar.flame.regions import flame_landmarks as flame_landmarks
    from avatar.flame.regions import flame_regions as flame_regions
    from avatar.flame.teeth import add_teeth as add_teeth
else:
    __getattr__ = lazy_names(__file__)
