"""Run a script of ours in this process."""

import runpy
import sys

import pytest
from support import ROOT, Outcome


def run_script(
    name: str,
    *arguments: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Outcome:
    """scripts/<name>.py with arguments."""
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
    status = 0
    try:
        runpy.run_path(str(ROOT / "scripts" / f"{name}.py"), run_name="__main__")
    except SystemExit as stop:
        status = int(stop.code or 0)
    captured = capsys.readouterr()
    return Outcome(status, captured.out, captured.err)
