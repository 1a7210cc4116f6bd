"""A page in a browser, and what it shows."""

from dataclasses import dataclass
from pathlib import Path

from chromium import Tab
from support import ROOT

from avatar.rig.avatar import Avatar
from avatar.transfer.fitted_face import Face

DEMO, VOICE = ROOT / "assets" / "demo_avatar.ply", ROOT / "assets" / "demo_voice.flac"


@dataclass(frozen=True)
class Shown:
    """A page in a browser, and what it shows."""

    tab: Tab
    avatar: Avatar
    face: Face
    file: Path
