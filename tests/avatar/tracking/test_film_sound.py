"""The sound of a tracked film begins with its first tracked frame, and is moved to the lips."""

from pathlib import Path

import numpy as np
import pytest
import torch
from films import copied, write_film, write_sound
from performances import performance

from audio2mesh.sync.delay import Delay
from avatar.tracking import result as room
from avatar.tracking.options import Sync
from avatar.tracking.result import Tracking, tracked_sound
from avatar.video.reader import grey_frames
from avatar.video.sound import Sound, sound_reader
from avatar.video.writer import open_writer
from common.assets import DEMO_VOICE

FIRST = 5  # the first frame that shows a face
RATE, FLASH = 48_000, 20  # of the sound; the picture that is bright while it clicks


def tracking() -> Tracking:
    shown = performance(frames=4)
    frames = FIRST + torch.arange(4)
    return Tracking(shown.model, shown.person, shown.states, frames, 25.0, (64, 48))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", 10, audio=DEMO_VOICE)


@pytest.mark.parametrize(
    ("sync", "found", "begin", "words"),
    [
        (0.0, None, 0.2, "moved by 0 ms"),
        (300.0, None, -0.1, "moved by 300 ms"),
        ("auto", Delay(-0.24, 0.5), 0.44, "240 ms behind the picture: repaired (--sync -240)"),
        ("auto", Delay(0.12, 0.5), 0.08, "120 ms ahead of the picture: repaired (--sync 120)"),
        ("auto", Delay(0.02, 0.5), 0.2, "in step with the lips"),
        ("auto", Delay(-0.24, 0.05), 0.2, "left as it is"),
        ("auto", None, 0.2, "left as it is"),
    ],
)
def test_the_sound_is_moved_as_told_or_as_the_lips_surely_ask_for(
    *, film: Path, monkeypatch: pytest.MonkeyPatch, sync: Sync, found: Delay | None,
    begin: float, words: str,
):  # fmt: skip
    asked: list[Sound] = []

    def measured(weights: torch.Tensor, fps: float, sound: Sound) -> Delay | None:
        asked.append(sound)
        return found

    monkeypatch.setattr(room, "lips_delay", measured)
    heard = tracked_sound(film, tracking(), sync)
    assert heard.sound is not None and heard.sound.path == film
    assert heard.sound.begin == pytest.approx(begin)
    assert words in heard.words
    assert asked == ([Sound(film, FIRST / 25)] if sync == "auto" else [])


def test_a_film_without_sound_says_so(tmp_path: Path):
    heard = tracked_sound(write_film(tmp_path / "film.mp4", 10), tracking(), "auto")
    assert (heard.sound, heard.words) == (None, "no sound")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("picture", "sound"), [(0.0, 0.0), (0.32, 0.0), (0.0, 0.32)])
def test_pictures_and_sound_that_begin_apart_are_on_one_clock(
    tmp_path: Path, suffix: str, picture: float, sound: float
):
    """As after a cut without encoding: one stream's first packet is later than the other's."""
    click = np.zeros((2 * RATE, 1))
    click[round(FLASH / 25 * RATE) :][:200] = 0.9
    made = tmp_path / "made.mp4"
    with open_writer(made, 64, 64, 25, Sound(write_sound(tmp_path / "s.flac", click, RATE))) as add:
        for frame in range(50):
            add(np.full((64, 64, 3), 255 * (frame == FLASH), np.uint8))
    film = copied(made, tmp_path / f"film{suffix}", picture, sound)
    seen = int(np.argmax([shown.mean() for shown in grey_frames(film)])) - FIRST
    heard = tracked_sound(film, tracking(), 0.0).sound
    assert heard is not None
    samples = sound_reader(heard.path, RATE, heard.begin)(2 * RATE)
    clicks = np.abs(samples).argmax() / RATE
    assert clicks == pytest.approx(seen / 25 + sound - picture, abs=0.01)
