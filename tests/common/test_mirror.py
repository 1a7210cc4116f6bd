"""A folder that is kept alike elsewhere. memory:// stands for s3:// and gs://."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from common.atomic import write_beside
from common.errors import InputError
from common.mirror import mirrored
from common.uris import get_bytes, put_bytes

PLACE = "memory://mirror/runs"


@pytest.fixture(autouse=True)
def empty_store() -> None:
    MemoryFileSystem.store.clear()


def becomes(what: Callable[[], bytes | None], wanted: bytes | None) -> bool:
    until = time.monotonic() + 10
    while what() != wanted and time.monotonic() < until:
        time.sleep(0.01)
    return what() == wanted


def test_what_changes_is_put_and_what_goes_is_removed(tmp_path: Path):
    put_bytes(b"before", f"{PLACE}/run.state", tmp_path)
    (tmp_path / "run.state").write_bytes(b"before")
    (tmp_path / "logs").mkdir()
    with mirrored(tmp_path, PLACE, every=0.02):
        with write_beside(tmp_path / "run.state") as partial:
            partial.write_bytes(b"step 100")
        assert becomes(lambda: get_bytes(f"{PLACE}/run.state"), b"step 100")
        (tmp_path / "logs" / "curve").write_bytes(b"1 2 3")
        (tmp_path / ".hidden").write_bytes(b"")
        assert becomes(lambda: get_bytes(f"{PLACE}/logs/curve"), b"1 2 3")
        (tmp_path / "run").write_bytes(b"weights")
        (tmp_path / "run.state").unlink()
    assert get_bytes(f"{PLACE}/run") == b"weights"
    assert get_bytes(f"{PLACE}/run.state") is None
    assert get_bytes(f"{PLACE}/.hidden") is None
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "run", ".hidden"}


def test_what_is_as_it_was_found_is_not_put_again(tmp_path: Path):
    (tmp_path / "run.state").write_bytes(b"of this machine")
    with mirrored(tmp_path, PLACE, every=0.01):
        time.sleep(0.05)
    assert get_bytes(f"{PLACE}/run.state") is None


def test_what_was_written_before_an_error_is_put(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), mirrored(tmp_path, PLACE, every=60):
        (tmp_path / "run.state").write_bytes(b"step 7")
        raise KeyboardInterrupt
    assert get_bytes(f"{PLACE}/run.state") == b"step 7"


def test_a_store_that_fails_for_a_while_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    put_file = MemoryFileSystem.put_file

    def refused(*given: object, **named: object) -> None:
        raise OSError("the store is away")

    monkeypatch.setattr(MemoryFileSystem, "put_file", refused)
    with mirrored(tmp_path, PLACE, every=0.02):
        (tmp_path / "run.state").write_bytes(b"step 7")
        time.sleep(0.1)
        monkeypatch.setattr(MemoryFileSystem, "put_file", put_file)
    assert get_bytes(f"{PLACE}/run.state") == b"step 7"
    assert "the store is away" in capsys.readouterr().err
    monkeypatch.setattr(MemoryFileSystem, "put_file", refused)
    with pytest.raises(InputError, match="away"), mirrored(tmp_path, PLACE, every=60):
        (tmp_path / "run").write_bytes(b"weights")
