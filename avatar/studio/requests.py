"""What the page asks for, as command lines of this program."""

import json
import re
from collections.abc import Mapping
from typing import Any

from avatar.live.protocol import Refused
from avatar.studio.folder import FILMS, Folder
from avatar.studio.jobs import Queue
from common.errors import InputError

SETTINGS = ("width", "height", "background", "label", "emotion", "light", "camera", "crop")
"""Options of drive that the page may set."""
LONGEST = 200  # characters of such a value
PICTURE = "picture:"
"""Before the name of a background's file."""


def read_request(message: str) -> dict[str, Any]:
    """A message of the page. Raises Refused for what is none."""
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("type"), str):
        raise Refused("text must be JSON with a type", 1008)
    return parsed


def text(request: Mapping[str, Any], name: str, longest: int = LONGEST) -> str:
    """A text of a request. Raises Refused where it is none."""
    found = request.get(name)
    if not isinstance(found, str) or len(found) > longest:
        raise Refused(f"{name} must be a text of at most {longest} letters", 1008)
    return found


def number(request: Mapping[str, Any], name: str) -> int:
    """A number of a request. Raises Refused where it is none."""
    found = request.get(name)
    if type(found) is not int or found < 0:
        raise Refused(f"{name} must be a number from 0 on", 1008)
    return found


def make_avatar(queue: Queue, folder: Folder, request: Mapping[str, Any], more: list[str]) -> None:
    """Queue an avatar of an uploaded photo or film. InputError, Refused or OverflowError."""
    name = text(request, "photo")
    photo = folder.path / "photos" / name
    if re.search(r"[/\\\0]", name) or name.startswith(".") or not photo.is_file():
        raise InputError(f"{name}: is not among the photos any more; drop it again")
    consent = folder.write_consent(photo, text(request, "consent", 2000))
    out = folder.free_name("avatars", photo.stem, ".ply")
    kind = "--film" if photo.suffix in FILMS else "--photo"
    words = [kind, f"photos/{name}", "--consent", f"photos/{consent.name}"]
    made = f"avatars/{out.name}"
    queue.add(f"Avatar of {name}", ["make-avatar", *words, "--out", made, *more], out)


def make_film(queue: Queue, folder: Folder, request: Mapping[str, Any], more: list[str]) -> None:
    """Queue a film. InputError, Refused or OverflowError."""
    avatar = folder.file("avatars", text(request, "avatar"))
    voice = folder.file("voices", text(request, "voice"))
    out = folder.free_name("films", f"{avatar.stem} {voice.stem}", ".mp4")
    places = (str(path).removeprefix(f"{folder.path}/") for path in (avatar, voice))
    settings = request.get("settings")
    if not isinstance(settings, dict) or not settings.keys() <= set(SETTINGS):
        raise Refused(f"settings must be of {', '.join(SETTINGS)}", 1008)
    look = [f"--{name}={_value(folder, settings, name)}" for name in settings if settings[name]]
    words = ["drive", *places, "--out", f"films/{out.name}", *look, *more]
    queue.add(f"Film {out.stem}", words, out)


def _value(folder: Folder, settings: Mapping[str, Any], name: str) -> str:
    value = text(settings, name)
    if value.startswith(PICTURE):
        path = folder.file("backgrounds", value.removeprefix(PICTURE))
        return f"backgrounds/{path.name}"
    return value
