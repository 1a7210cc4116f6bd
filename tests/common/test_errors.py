"""What is said of files that are not there."""

from pathlib import Path

import pytest

from common.errors import InputError, check_file


def test_a_file_that_is_there_is_not_refused(tmp_path: Path):
    (tmp_path / "a.json").touch()
    check_file(tmp_path / "a.json")


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"a\.json: there is no such file; check"):
        check_file(tmp_path / "a.json")


def test_a_folder_is_not_said_to_be_missing(tmp_path: Path):
    with pytest.raises(InputError, match=r": is a folder; name a picture$"):
        check_file(tmp_path, "picture")
