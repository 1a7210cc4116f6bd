"""Films of avatars that were made of a real person say so in their metadata; others do not."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from films import write_sound
from PIL import Image

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from common.assets import DEMO_AVATAR

ORIGIN = "a photo, by VoiceSplat 1.0 on 2026-11-22"


def comment_of(film: Path) -> str:
    if film.is_dir():
        told = {Image.open(picture).info.get("Comment", "") for picture in film.iterdir()}
        assert len(told) == 1
        return told.pop()
    with av.open(str(film)) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
    return tags.get("comment", "")


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ""])
@pytest.mark.parametrize("origin", [ORIGIN, ""])
def test_a_film_says_of_whom_it_was_made(tmp_path: Path, suffix: str, origin: str):
    avatar, voice = tmp_path / "me.ply", tmp_path / "voice.flac"
    save_avatar(avatar, replace(load_avatar(DEMO_AVATAR), origin=origin))
    write_sound(voice, 0.1 * np.random.default_rng(0).standard_normal((4800, 1)), 16_000)
    film = tmp_path / f"film{suffix}"
    drive(DriveOptions(avatar, audio=voice, out=film, width=32, height=32))
    told = f"synthetic: an avatar made from {origin}" if origin else ""
    assert comment_of(film) == told
