"""The stream keeps the order, the memory limit and its threads in hand."""

import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from captures import small_spec, write_capture

from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import Picture, read_picture
from avatar.reconstruct.capture_reader import keeping_reader, open_capture, shuffled
from avatar.reconstruct.capture_reader import stream_pictures as stream


@pytest.fixture
def views(tmp_path: Path) -> tuple[View, ...]:
    folder = write_capture(tmp_path / "capture", small_spec(timesteps=12))
    return open_capture(folder).splits["test"]  # 30 views


def names(views: Iterable[View]) -> list[str]:
    return [view.image.name for view in views]


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("in_order")]


def test_pictures_come_in_the_order_of_the_views(views: tuple[View, ...]):
    found = list(stream(views[::-1], workers=3))
    assert names(view for view, _ in found) == names(views[::-1])
    for view, picture in found:
        assert np.array_equal(picture.color, read_picture(view).color)
    assert not workers()


def test_an_endless_order_is_read_as_it_is_used(views: tuple[View, ...]):
    read: list[View] = []

    def note(view: View) -> Picture:
        read.append(view)
        return read_picture(view)

    endless = stream(shuffled(views, 0), note)
    first = names(view for view, _ in islice(endless, 40))
    endless.close()
    assert first == names(islice(shuffled(views, 0), 40))
    assert len(read) < 70


def test_each_pass_shows_every_view_in_an_order_of_its_own(views: tuple[View, ...]):
    order = names(islice(shuffled(views, 5), 3 * len(views)))
    passes = [order[k : k + len(views)] for k in range(0, len(order), len(views))]
    for one in passes:
        assert sorted(one) == sorted(names(views))
    assert passes[0] != passes[1] != passes[2]
    assert order == names(islice(shuffled(views, 5), 3 * len(views)))
    assert order != names(islice(shuffled(views, 6), 3 * len(views)))


@pytest.mark.parametrize("start", [0, 7, 30, 75])
def test_an_order_goes_on_where_it_stopped(views: tuple[View, ...], start: int):
    order = names(islice(shuffled(views, 5), 100))
    assert names(islice(shuffled(views, 5, start), 100 - start)) == order[start:]


def test_pictures_are_kept_while_there_is_room(
    views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
):
    size = 24 * 16 * 4
    reads: list[View] = []

    def count(view: View) -> Picture:
        reads.append(view)
        return read_picture(view)

    monkeypatch.setattr("avatar.reconstruct.capture_reader.read_picture", count)
    for room, expected in ((100, 30), (10, 50), (0, 60)):
        reads.clear()
        read = keeping_reader(room * size)
        first = [picture.color.copy() for _, picture in stream(views, read)]
        again = [picture.color for _, picture in stream(views, read)]
        assert len(reads) == expected
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_broken_picture_raises_where_its_turn_comes(views: tuple[View, ...]):
    views[3].image.write_bytes(b"no picture")
    pictures = stream(views)
    assert names(next(pictures)[0] for _ in range(3)) == names(views[:3])
    with pytest.raises(ValueError, match=views[3].image.name):
        next(pictures)
    assert not workers()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_threads_end_when_the_reader_of_the_stream_fails(
    views: tuple[View, ...], error: type[BaseException]
):
    def fail() -> None:
        for _ in stream(shuffled(views, 0), workers=3):
            assert workers()
            raise error

    with pytest.raises(error):
        fail()
    assert not workers()
