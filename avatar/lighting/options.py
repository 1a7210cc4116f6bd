"""The options of the light around an avatar."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LightOptions:
    """The light around an avatar."""

    light: str | None = None
    """The light around the avatar: an equirectangular .hdr or .exr; studio, window,
    overcast, golden-hour, stage or night-street; or lamps by kind, azimuth, elevation, strength and
    colour, as in "key 45 30 1.0 #ffd9b0, rim -150 20 0.6"; by default that in its colours."""
    light_turn: float = 0.0
    """Degrees by which --light is turned around the head, to the subject's left."""
    light_spin: float = 0.0
    """Speed of its rotation, in degrees a second."""
    light_skin: str | None = None
    """The mean colour of the skin in white light, #rrggbb, where the avatar's colours contain
    light; by default it is estimated from them."""


@dataclass(frozen=True, kw_only=True)
class LightsOptions:
    """The lights that can be chosen in a viewer."""

    lights: tuple[str, ...] = ()
    """Lights that the page's panel offers beside that in the avatar's colours, each as --light of
    driving names it: studio, window, overcast, golden-hour, stage, night-street, a picture (.hdr,
    .exr) or lamps in words. They are baked at rest and turn with the head; each adds about 0.17 MB
    to the page."""
