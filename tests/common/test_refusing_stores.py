"""Stores that let nobody in: one sentence with the whole URL, whatever their libraries raise."""

import time
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec import AbstractFileSystem
from support import Outcome

from common.errors import InputError, mendable
from common.mirror import mirrored
from common.uris import copy_to, find, fingerprint, get_bytes, put_bytes, remove, size_of
from configs.verbs import VERBS

PLACE = "locked://bucket/clips"


class NoCredentialsError(Exception):
    """As libraries of stores have their own, which are no OSError."""


class Locked(AbstractFileSystem):
    """A store whose every request fails in one way."""

    protocol = "locked"
    cachable = False
    failure: Exception = NoCredentialsError("Unable to locate\n credentials")


def _refuse(*_: Any, **__: Any) -> Any:
    raise Locked.failure


for _asked in ("info", "isfile", "isdir", "exists", "cat_file", "ukey", "size", "rm_file"):
    setattr(Locked, _asked, _refuse)
for _asked in ("pipe_file", "put_file", "get", "get_file"):
    setattr(Locked, _asked, _refuse)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch):
    fsspec.register_implementation("locked", Locked, clobber=True)
    return monkeypatch


ASKED = {
    "find": lambda: find(PLACE, ("",)),
    "fingerprint": lambda: fingerprint(PLACE),
    "copy_to": lambda: copy_to(PLACE, Path("nowhere")),
    "put_bytes": lambda: put_bytes(b"", PLACE, Path("nowhere")),
    "get_bytes": lambda: get_bytes(PLACE),
    "size_of": lambda: size_of(PLACE),
    "remove": lambda: remove(PLACE),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_credentials_end_in_a_sentence(name: str):
    with pytest.raises(InputError) as caught:
        ASKED[name]()
    assert str(caught.value) == f"{PLACE}: cannot be reached: Unable to locate credentials"


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("words", ["Forbidden", ""])
def test_denied_access_ends_in_a_sentence(name: str, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Locked, "failure", PermissionError(words))
    with pytest.raises(InputError, match=rf"^{PLACE}: access is denied \(.+\); check the cred"):
        ASKED[name]()


def test_a_service_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Locked, "failure", OSError(111, "Connection refused"))
    with pytest.raises(InputError, match=f"{PLACE}: cannot be reached: .*Connection refused"):
        find(PLACE, ("",))


def test_what_is_missing_is_missing_and_a_mistake_of_ours_stays_one(monkeypatch):
    monkeypatch.setattr(Locked, "failure", FileNotFoundError("none"))
    assert get_bytes(PLACE) is None
    monkeypatch.setattr(Locked, "failure", TypeError("a mistake"))
    with pytest.raises(TypeError) as caught:
        get_bytes(PLACE)
    assert mendable(caught.value) is None


def test_a_run_goes_on_while_its_store_refuses(tmp_path: Path, capsys: pytest.CaptureFixture):
    refused = pytest.raises(InputError, match="Unable to locate credentials")
    with refused, mirrored(tmp_path, PLACE, every=0.01):
        (tmp_path / "log").write_text("a line")
        while "will be tried again" not in capsys.readouterr().err:
            time.sleep(0.01)


def test_commands_exit_with_a_sentence(run_script, tmp_path: Path):
    def said(*words: object) -> str:
        outcome: Outcome = run_script(*words)
        assert outcome.status == 2 and "Traceback" not in outcome.stderr
        return outcome.stderr.splitlines()[-1]

    out = tmp_path / "w.safetensors"
    refused = f"error: {PLACE}: cannot be reached: Unable to locate credentials"
    assert said("train pose", "--data", PLACE, "--out", out) == refused
    wrong = said("train pose", "--data", tmp_path, "--out", f"{PLACE}/w.safetensors")
    assert wrong.startswith(f"error: {PLACE}") and "Unable to locate credentials" in wrong
    avatars = said("batch", "--avatars", PLACE, "--audio", "a.wav", "--out", tmp_path / "films")
    assert avatars == refused
    missing = said("train pose", "--data", "no-store://bucket/x", "--out", out)
    assert missing.startswith("error: no-store://bucket/x: cannot be reached: ")
    alone = said("train pose", "--data", "no-store://", "--out", out)
    assert alone.startswith("error: no-store://: cannot be reached: ")


def test_commands_without_stores_say_so(run_script):
    url = "locked://bucket/avatar.ply"
    outcome = run_script("drive", "--avatar", url, "--audio", "a.wav")
    assert outcome.status == 2
    assert outcome.stderr.splitlines()[-1].startswith(f"error: {url}: this command takes paths of ")
    assert not VERBS["drive"].writes
