"""The options of the light that an avatar stands in."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LightOptions:
    """The light that an avatar stands in."""

    light: str | None = None
    """The light that the avatar stands in: an equirectangular .hdr or .exr; studio, window,
    overcast, golden-hour, stage or night-street; or lamps by kind, azimuth, elevation, strength and
    colour, as in "key 45 30 1.0 #ffd9b0, rim -150 20 0.6"; by default that in its colours."""
    light_turn: float = 0.0
    """Degrees by which --light is turned around the head, to the subject's left."""
    light_spin: float = 0.0
    """Degrees a second by which it goes on turning."""
    light_skin: str | None = None
    """The mean colour of the skin in white light, #rrggbb, where the avatar's colours hold light;
    by default it is guessed from them."""


@dataclass(frozen=True, kw_only=True)
class LightsOptions:
    """The lights that can be chosen while an avatar is looked at."""

    lights: tuple[str, ...] = ()
    """Lights that the page's panel offers beside that in the avatar's colours, each as --light of
    driving names it: studio, window, overcast, golden-hour, stage, night-street, a picture (.hdr,
    .exr) or lamps in words. They are baked at rest and turn with the head; each adds about 0.17 MB
    to the page."""
