"""What was found of a film's frames is kept as it comes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from heads_in_pictures import on_grey

from avatar.tracking import frames as found_frames
from avatar.tracking import frames as tracked_film
from avatar.tracking.frames import follow, forget_frames, keep_frames, kept_frames
from avatar.tracking.options import TrackingOptions
from avatar.video.writer import open_writer
from avatar.vision.follow import FaceFrame, load_face_finder
from avatar.vision.landmarks import COUNT
from avatar.vision.network import Squares

CPU = torch.device("cpu")


def frame(number: int) -> FaceFrame:
    """Every third shows no face."""
    if number % 3 == 2:
        return FaceFrame(number // 4, None, None)
    points = torch.rand(COUNT, 3, generator=torch.manual_seed(number))
    where = Squares(torch.rand(1, 2), torch.rand(1), torch.rand(1))
    return FaceFrame(number // 4, points, where)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_frames, "PART", 4)


def test_whole_parts_come_back_and_go_on(tmp_path: Path):
    given = [frame(number) for number in range(14)]
    assert list(keep_frames(tmp_path, 0, given[:10])) == given[:10]
    kept = kept_frames(tmp_path, CPU)
    assert len(kept) == 8
    list(keep_frames(tmp_path, 8, given[8:]))
    kept = kept_frames(tmp_path, CPU)
    assert len(kept) == 12
    for again, wanted in zip(kept, given[:12], strict=True):
        assert again.shot == wanted.shot
        assert (again.points is None) == (again.where is None) == (wanted.points is None)
        if wanted.points is not None and wanted.where is not None:
            assert again.points is not None and again.where is not None
            assert again.points.equal(wanted.points)
            assert again.where.axes().equal(wanted.where.axes())
            assert again.where.centres.equal(wanted.where.centres)
    forget_frames(tmp_path)
    assert kept_frames(tmp_path, CPU) == [] and list(tmp_path.iterdir()) == []


def test_an_interrupted_search_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    film, finder, options = tmp_path / "film.mp4", load_face_finder(), TrackingOptions(crops=1)
    with open_writer(film, 320, 240, 25.0) as show:
        for k in range(14):
            show(on_grey(240, 320, ("man", 220, 30 + 2 * k, 10)).numpy())
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = follow(film, options, finder, tmp_path / "whole")
    look, told = tracked_film.follow_face, []

    def stopped(*given) -> Iterator[FaceFrame]:
        told.append(len(given[4]))
        for count, found in enumerate(look(*given)):
            if len(told) == 1 and count == 10:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(tracked_film, "follow_face", stopped)
    with pytest.raises(KeyboardInterrupt):
        follow(film, options, finder, tmp_path / "parts")
    again = follow(film, options, finder, tmp_path / "parts")
    assert told == [0, 8]
    assert again.frames.equal(whole.frames)
    torch.testing.assert_close(again.points, whole.points, rtol=0, atol=1e-3)
