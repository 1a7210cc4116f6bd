"""Nothing half-written is left behind."""

import os
from pathlib import Path

import pytest

from common.atomic import folder_beside, write_beside

STOPS = [ValueError, KeyboardInterrupt, OSError, SystemExit]


def test_success_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with write_beside(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path and temporary.suffix == ".txt"
        assert str(os.getpid()) in temporary.name
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", STOPS)
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), write_beside(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="early"), write_beside(tmp_path / "a.txt"):
        raise ValueError("early")
    assert not list(tmp_path.iterdir())


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught, write_beside(path) as temporary:
        temporary.write_text("x")
    assert caught.value.filename == str(path)


def test_a_folder_appears_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "pictures"
    path.mkdir()
    with folder_beside(path) as temporary:
        (temporary / "a.txt").write_text("new")
        assert not list(path.iterdir())
    assert (path / "a.txt").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", STOPS)
def test_failure_leaves_no_folder(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), folder_beside(tmp_path / "pictures") as temporary:
        (temporary / "a.txt").write_text("half")
        raise error
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="taken"), folder_beside(tmp_path / "taken"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["taken", "mine.txt"]


@pytest.mark.parametrize("folder", [False, True])
def test_contents_are_on_the_disk_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    path, synced = tmp_path / "a", []

    def record(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, path.exists()))

    monkeypatch.setattr(os, "fsync", record)
    with (folder_beside if folder else write_beside)(path) as temporary:
        inner = temporary / "b" if folder else temporary
        inner.write_text("x")
        parts = [inner.stat().st_ino, temporary.stat().st_ino][: 1 + folder]
    assert synced == [*((part, False) for part in parts), (tmp_path.stat().st_ino, True)]
