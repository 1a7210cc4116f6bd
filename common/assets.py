"""The demo avatar and the demo voice: beside this file where a wheel was installed, else in the
checkout, wherever a command is called from."""

from pathlib import Path

_INSTALLED = Path(__file__).parent / "demo"
ASSETS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1] / "assets"
DEMO_AVATAR = ASSETS / "demo_avatar.ply"
DEMO_VOICE = ASSETS / "demo_voice.flac"
