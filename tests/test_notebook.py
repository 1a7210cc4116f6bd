"""The notebook: a valid one, whose commands our command line knows, and whose cells run."""

import ast
import json
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands_in_text import understood
from support import ROOT

NOTEBOOK = json.loads((ROOT / "docs" / "voicesplat.ipynb").read_text())
COMMAND = re.compile(r"^!(.+)$", re.MULTILINE)


def code_cells() -> Iterator[str]:
    """The programs, but for the installation."""
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code" and "install" not in cell["metadata"].get("tags", []):
            yield "".join(cell["source"])


def test_it_is_a_notebook_of_version_4_5_without_outputs():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert NOTEBOOK["metadata"]["kernelspec"]["language"] == "python"
    ids = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[\w-]{1,64}", i) for i in ids)
    for cell in NOTEBOOK["cells"]:
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        more = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | more
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_its_commands_are_ours_and_its_programs_are_python():
    commands = [line for cell in code_cells() for line in COMMAND.findall(cell)]
    assert [understood(command) for command in commands] == ["demo", "drive", "view"]
    for cell in code_cells():
        ast.parse(COMMAND.sub("pass", cell))


@pytest.mark.soak
def test_its_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One after the other in an empty folder, as a notebook does it, on the CPU."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shown: list[str] = []
    display: Any = types.ModuleType("IPython.display")
    display.Video = lambda name, embed: shown.append(name) or Path(name).stat().st_size > 10_000
    display.HTML = lambda text: shown.append(text[:7]) or len(text) > 1_000_000
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    names: dict[str, Any] = {}
    for cell in code_cells():
        for command in COMMAND.findall(cell):
            words = [names.get(word.removeprefix("$"), word) for word in shlex.split(command)]
            subprocess.run([sys.executable, "-m", "configs.cli", *words[1:]], check=True)
        body = ast.parse(COMMAND.sub("pass", cell)).body
        exec(compile(ast.Module(body[:-1], []), "cell", "exec"), names)
        last = ast.unparse(body[-1])
        if last.startswith(("Video(", "HTML(")):
            assert eval(last, names), last
        else:
            exec(last, names)
    assert shown == ["demo.mp4", "mine.mp4", "<iframe"] and len(names["frames"].rows)
