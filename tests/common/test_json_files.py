import pytest

from common.errors import InputError
from common.json_files import read_json


def test_what_a_file_holds(tmp_path):
    (tmp_path / "a.json").write_text('{"name": "Zoë"}', encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"name": "Zoë"}


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"", b"[" * 100_000, b"9" * 10_000])
def test_what_is_no_json_is_named(tmp_path, content: bytes):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json: this is not a JSON file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match=r"gone\.json"):
        read_json(tmp_path / "gone.json")
