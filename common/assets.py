"""The demo files of a checkout, wherever a command is called from; a wheel holds none of them."""

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
DEMO_AVATAR = ASSETS / "demo_avatar.ply"
DEMO_VOICE = ASSETS / "demo_voice.flac"
