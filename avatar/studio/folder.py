"""The studio's folder: what lies in it, and what comes into it from the page."""

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from audio2mesh import stated_seconds
from avatar.geometry.picture_file import read_picture
from avatar.trust.consent import consent_of
from avatar.video.reader import film_info
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError
from common.writable import plain_words

Use = Literal["avatar", "voice", "background"]
PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
FILMS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
SOUNDS = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".oga", ".weba")
AVATARS = (".ply", ".glb")
FOLDERS = ("avatars", "voices", "films", "backgrounds", "photos")
DEMO = {path.name: path for path in (DEMO_AVATAR, DEMO_VOICE)}
LARGEST = 2**31
"""Bytes of a file from the page."""
SPARE = 2**28
"""Bytes that stay free on the disk."""
SUFFIXES: dict[Use, tuple[str, ...]] = {
    "avatar": (*PHOTOS, *FILMS, *AVATARS),
    "voice": (*SOUNDS, *FILMS),
    "background": (*PHOTOS, *FILMS),
}
WANTED: dict[Use, str] = {
    "avatar": "a photo (.jpg, .png), a film (.mp4) or an avatar (.ply)",
    "voice": "a recording (.wav, .mp3, .m4a) or a film with sound",
    "background": "a picture or a film",
}


@dataclass(frozen=True)
class Folder:
    """The folder, by whose names the page speaks of files."""

    path: Path

    def prepare(self) -> None:
        """Make what is missing; what an earlier run left half uploaded is removed. InputError."""
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"--folder {self.path}: is a file; name a folder")
        with plain_words(self.path):
            for name in FOLDERS:
                (self.path / name).mkdir(parents=True, exist_ok=True)
            for partial in self.path.glob("*/.upload-*"):
                partial.unlink(missing_ok=True)

    def listing(self) -> dict[str, list[str]]:
        """Names of avatars, voices, films and backgrounds, newest first; the demo's last."""
        names = {kind: self._names(kind) for kind in FOLDERS[:-1]}
        names["avatars"].append(DEMO_AVATAR.name)
        names["voices"].append(DEMO_VOICE.name)
        return names

    def _names(self, kind: str) -> list[str]:
        suffixes = {"avatars": AVATARS, "films": (".mp4",)}.get(kind)
        ages: dict[str, float] = {}
        for file in (self.path / kind).glob("[!.]*"):
            with suppress(FileNotFoundError):  # the user may delete what they like, meanwhile
                if file.is_file() and (suffixes is None or file.suffix in suffixes):
                    ages[file.name] = file.stat().st_mtime
        return sorted(ages, key=ages.__getitem__, reverse=True)

    def file(self, kind: str, name: str) -> Path:
        """A file that the listing has. InputError where it has no such one."""
        if name not in self.listing().get(kind, ()):
            raise InputError(f"{name}: is not among the {kind} any more; choose another")
        return DEMO.get(name, self.path / kind / name)

    def free_name(self, kind: str, stem: str, suffix: str) -> Path:
        """A path that is not taken, named like a file of the user's."""
        plain = re.sub(r"[^\w. -]+", "_", stem).strip(" ._-")[:60] or "unnamed"
        taken = {path.stem for path in (*(self.path / kind).iterdir(), *DEMO.values())}
        names = (plain if n == 1 else f"{plain} {n}" for n in range(1, 10**6))
        return self.path / kind / (next(n for n in names if n not in taken) + suffix)

    def write_consent(self, photo: Path, words: str) -> Path:
        """A file with who agreed, beside a photo. InputError where the words are of no use."""
        path = photo.with_name(photo.name + ".consent.txt")
        if not words.strip():
            raise InputError("Say who agreed to this avatar, and to what")
        path.write_text(words, "utf-8")
        try:
            consent_of(str(path))
        except InputError as error:
            path.unlink()
            raise InputError(str(error).removeprefix("--consent: ")) from None
        return path


@dataclass
class Upload:
    """A file on its way from the page."""

    path: Path  # its name when it is complete
    use: Use
    left: int  # bytes that are still to come
    partial: Path
    writes: IO[bytes]

    def take(self, data: bytes) -> bool:
        """Write the next bytes; whether it is complete. InputError where there are too many."""
        if len(data) > self.left:
            raise InputError(f"{self.path.name}: is larger than the page said")
        with plain_words(self.path):
            self.writes.write(data)
        self.left -= len(data)
        return self.left == 0

    def drop(self) -> None:
        self.writes.close()
        self.partial.unlink(missing_ok=True)

    def finish(self) -> Path:
        """The complete file, under its name. InputError where it is not what it should be."""
        try:
            self.writes.close()
            check_content(self.partial, self.use)
            return self.partial.replace(self.path)
        except InputError as error:
            raise InputError(str(error).replace(str(self.partial), self.path.name)) from None
        finally:
            self.partial.unlink(missing_ok=True)


def begin_upload(folder: Folder, name: str, size: int, use: Use) -> Upload:
    """Begin to take a file. InputError, with a sentence for the page, where it is of no use."""
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    if suffix not in SUFFIXES[use]:
        raise InputError(f"{name}: is not {WANTED[use]}; choose another file")
    if not 0 < size <= LARGEST:
        words = "is empty" if size <= 0 else f"is larger than {LARGEST / 1e9:.1f} GB"
        raise InputError(f"{name}: {words}; choose another file")
    if size + SPARE > shutil.disk_usage(folder.path).free:
        raise InputError(f"{name}: there is no room for it in {folder.path}; free some space")
    kind = {"voice": "voices", "background": "backgrounds"}.get(use, "photos")
    if use == "avatar" and suffix in AVATARS:
        kind = "avatars"
    path = folder.free_name(kind, stem, suffix)
    partial = path.with_name(f".upload-{path.name}")
    return Upload(path, use, size, partial, partial.open("wb"))


def check_content(path: Path, use: Use) -> None:
    """Refuse a file that is not what its name says. InputError."""
    if use == "voice":
        stated_seconds(path)
    elif path.suffix in PHOTOS:
        read_picture(path)
    elif path.suffix in FILMS:
        film_info(path)
