"""Face motion as the 52 ARKit weights: read, play, solve for, and write."""

from avatar.arkit.live_link import Take as Take
from avatar.arkit.live_link import read_take as read_take
from avatar.arkit.live_link import write_take as write_take
