"""Moments: every frame with the sound that is heard during it, and nothing lost."""

import numpy as np
import pytest
import torch
from other_device import host_waits
from speech_models import syllables

from avatar.live.performance import Performance, TimedFrame
from avatar.live.pictures import PictureMaker, PictureOptions
from avatar.live.session import Session
from avatar.live.speaker import Speaker
from avatar.rigging.avatar import Avatar
from splat import choose_backend

PCM = (syllables(2.0)[0] * 32767).astype(np.int16)


def heard(timed: list[TimedFrame]) -> np.ndarray:
    return np.concatenate([each.sound for each in timed])


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_all_sound_goes_out_with_its_frames(speaker: Speaker, rate: int):
    sound = np.resize(PCM, 2 * rate - 77)
    performance, timed = Performance(speaker, rate), []
    for piece in np.array_split(sound, 23):
        timed += performance.speak(piece)
    timed += performance.end()
    assert np.array_equal(heard(timed), sound)
    assert [each.frame for each in timed] == [*range(50)]
    starts = np.cumsum([0, *(len(each.sound) for each in timed)])[:-1]
    assert np.abs(starts - np.arange(50) * rate / 25).max() <= 1


def test_sound_of_16_khz_moves_as_a_session_does(speaker: Speaker):
    performance, session = Performance(speaker, 16_000), Session(speaker)
    timed = performance.speak(PCM) + performance.end()
    samples = PCM.astype(np.float32) / 32768
    frames = [session.push(samples), session.finish()]
    expected = np.concatenate([part.rows for part in frames])
    assert np.abs(np.stack([each.row for each in timed]) - expected).max() < 0.02


def test_an_interruption_goes_on_from_what_was_seen(speaker: Speaker):
    performance = Performance(speaker, 24_000)
    timed = performance.speak(np.resize(PCM, 48_000))
    performance.seen(timed[12])
    shut = performance.interrupt()
    assert [each.frame for each in shut] == [-2, -1] and not len(heard(shut))
    assert np.array_equal(shut[0].row[-7:], timed[12].row[-7:])
    assert not shut[-1].row[: len(speaker.mouth_names)].any()
    again = performance.speak(np.resize(PCM, 24_000))
    assert again[0].frame == 0 and again[0].turn == 1


def test_pictures_show_the_row(speaker: Speaker, small_avatar: Avatar):
    painter = PictureMaker(small_avatar, speaker, PictureOptions(96, 64))
    rest = speaker.rest.numpy()
    open_mouth = rest.copy()
    open_mouth[: len(speaker.mouth_names)] = 3
    turned = rest.copy()
    turned[-7:] = [0, np.sin(0.2), 0, np.cos(0.2), 0, 0, 0]
    pictures = [painter.picture(row) for row in (rest, open_mouth, turned)]
    assert pictures[0].shape == (64, 96, 3) and pictures[0].dtype == np.uint8
    assert (pictures[0][0, 0] == 204).all() and pictures[0].std() > 10
    for other in pictures[1:]:
        assert np.abs(other.astype(int) - pictures[0]).max() > 20


@pytest.mark.gpu
def test_a_device_draws_many_pictures_at_once(
    speaker: Speaker, small_avatar: Avatar, cuda: torch.device
):
    rows = np.stack([speaker.rest.numpy()] * 3)
    rows[1, : len(speaker.mouth_names)] = 3
    rows[2, -7:] = [0, np.sin(0.2), 0, np.cos(0.2), 0, 0.01, 0]
    here, there = (
        PictureMaker(small_avatar, speaker, PictureOptions(96, 64), drawing)
        for drawing in (None, choose_backend("cuda"))
    )
    with host_waits() as one:
        there.picture(rows[0])
    with host_waits() as all_three:
        pictures = there.pictures(rows)
    assert np.abs(pictures.astype(int) - here.pictures(rows)).max() <= 1
    assert len(all_three) == len(one)
