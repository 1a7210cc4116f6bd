"""Pickles with a payload in every place where a user's file is read, through the real commands.

Each file here would write a file if it were unpickled. Every command answers with one sentence that
names the file, and the payload's file does not appear.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from flame_files import write_flame
from pickle_payloads import payloads
from support import Outcome

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame(tmp_path_factory.mktemp("flame"), kind="npz")


@pytest.fixture
def harmless(tmp_path: Path, run_script: Run) -> Callable[..., None]:
    """Plant every form of payload in the place of a good file and run a command that reads it."""

    def check(path: Path, script: str, *arguments: object, good: bool = True) -> None:
        assert path.is_file() or not good, f"{path} is no place where a file is read"
        for form, data in payloads(path, tmp_path / "trace").items():
            path.write_bytes(data)
            out = run_script(script, *arguments)
            assert not (tmp_path / "trace").exists(), f"{form} in {path.name} was run"
            assert out.status == 2, (form, out)
            sentence = out.stderr.strip().splitlines()[-1]
            assert sentence.startswith("error: ") and "Traceback" not in out.stderr, (form, out)
            assert path.name in sentence, (form, sentence)

    return check
