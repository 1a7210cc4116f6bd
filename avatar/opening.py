"""Avatars of every kind, told apart by their content."""

from pathlib import Path

from avatar.subject import Avatar, load_avatar


def open_avatar(path: Path, flame: Path | None = None, landmarks: Path | None = None) -> Avatar:
    return load_avatar(path)
