"""A small capture to break."""

from collections.abc import Callable
from pathlib import Path

import pytest
from captures import small_spec, write_capture

from avatar.reconstruct.capture_reader import open_capture

Refuses = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_capture(tmp_path / "capture", small_spec())


@pytest.fixture
def refuses(folder: Path) -> Refuses:
    """Check that opening fails with one sentence that holds all of `said`."""

    def check(*said: str) -> None:
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            open_capture(folder)
        message = str(caught.value)
        assert "\n" not in message
        for words in said:
            assert words in message, message

    return check
