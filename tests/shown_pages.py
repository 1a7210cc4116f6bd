"""A page in a browser, and what it shows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chromium import Tab
from support import ROOT

from avatar.rig.avatar import Avatar
from avatar.transfer.fitted_face import Face

DEMO, VOICE = ROOT / "assets" / "demo_avatar.ply", ROOT / "assets" / "demo_voice.flac"

LIGHTS = {"golden-hour": np.random.default_rng(0).integers(0, 256, (57_464, 3)).astype(np.uint8)}
"""Of a page: what a light would make of each of the demo avatar's Gaussians."""


@dataclass(frozen=True)
class Shown:
    """A page in a browser, and what it shows."""

    tab: Tab
    avatar: Avatar
    face: Face
    file: Path
