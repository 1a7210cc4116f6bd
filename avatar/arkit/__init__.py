"""Face motion as the 52 ARKit weights: read, play, solve for, and write."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.arkit.live_link import Take as Take
    from avatar.arkit.live_link import read_take as read_take
    from avatar.arkit.live_link import write_take as write_take
    from avatar.arkit.names import WEIGHTS as WEIGHTS
    from avatar.arkit.play import head_angles as head_angles
    from avatar.arkit.play import head_poses as head_poses
    from avatar.arkit.play import sample_take as sample_take
else:
    __getattr__ = lazy_names(__file__)
