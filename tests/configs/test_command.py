"""What is said of a command that ends otherwise than it should."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import tyro
from support import ROOT

from configs import VERSION
from configs.command import Stopped, join_lines, parse, run_verb, stopped_within
from configs.verbs import CONTINUES, VERBS

HUGE = 2**60  # bytes; no machine has an address for each
FAILS = """
from dataclasses import dataclass
from configs.command import run_verb
from configs.verbs import Verb

@dataclass(frozen=True)
class Nothing:
    pass

def main(options):
    {statement}

run_verb("command", Verb("__main__:Nothing", "__main__:main", ""), [])
"""


def failing(statement: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command whose work is one statement, in a process of its own."""
    command = [sys.executable, "-c", FAILS.format(statement=statement)]
    env = os.environ | environ
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("statement", ["1 / 0", "raise ValueError('a\\nb')", "assert not 1, 'odd'"])
def test_a_mistake_of_ours_keeps_its_traceback_and_asks_to_be_reported(statement: str):
    done = failing(statement)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert any("in main" in line for line in lines)
    assert f"VoiceSplat {VERSION}" in lines[-1] and "Please report it" in lines[-1]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("open('gone/away.txt')", "error: gone/away.txt: No such file or directory"),
        (
            "from common.errors import InputError; raise InputError('a.ply: is\\n no avatar')",
            "error: a.ply: is no avatar",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_sentence(statement: str, sentence: str):
    done = failing(statement)
    assert (done.returncode, done.stderr) == (2, f"{sentence}\n")
    shown = failing(statement, VOICESPLAT_TRACEBACK="1")
    assert shown.returncode == 1 and shown.stderr.startswith("Traceback")
    assert "report" not in shown.stderr


@pytest.mark.parametrize(
    "allocate",
    [
        lambda _: np.empty(HUGE, np.uint8),
        lambda _: bytearray(HUGE),
        lambda _: torch.empty(HUGE, dtype=torch.uint8),
    ],
    ids=["numpy", "python", "torch"],
)
def test_too_little_memory_is_told(allocate: Any, monkeypatch, capsys):
    monkeypatch.setattr("configs.commands.film.export_motion", allocate)
    with pytest.raises(SystemExit) as ended:
        run_verb("voicesplat export", VERBS["export"], ["--out", "face.csv"])
    assert ended.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: this machine has too little free memory")


@pytest.mark.gpu
def test_too_little_memory_of_the_gpu_is_told(cuda: torch.device, monkeypatch, capsys):
    if torch.cuda.get_device_name() == "pretended":
        pytest.skip("a pretended device has the memory of the CPU")

    def allocate(_: object) -> None:
        torch.empty(2**44, dtype=torch.uint8, device=cuda)

    monkeypatch.setattr("configs.commands.film.export_motion", allocate)
    with pytest.raises(SystemExit) as ended:
        run_verb("voicesplat export", VERBS["export"], ["--out", "face.csv"])
    assert ended.value.code == 2
    assert "error: the GPU has too little free memory" in capsys.readouterr().err


@pytest.mark.parametrize("name", VERBS)
def test_what_a_stopped_command_says_is_true(name: str, capsys):
    """It names options that there are, and promises to continue where a run is kept beside its
    output; captures have their finished pictures instead."""
    verb = VERBS[name]
    with pytest.raises(SystemExit):
        parse(name, verb, ["--help"])
    options = set(re.findall(r"^\W*(--[\w.-]+)", capsys.readouterr().out, re.MULTILINE))
    assert set(re.findall(r"--[\w.-]*\w", verb.stopped)) <= options
    kept = any(option.endswith(".save-every") for option in options)
    keeps = kept or name in ("make-capture", "track", "track-films", "train manner")
    assert (CONTINUES in verb.stopped) == keeps


def test_help_wraps_whole_paragraphs(capsys):
    """The lines of a docstring do not end lines of --help."""

    @dataclass(frozen=True)
    class Options:
        name: str = ""
        """A sentence that goes on
        in its second line (and
        in its third).

        Another paragraph."""

    join_lines()
    with pytest.raises(SystemExit):
        tyro.cli(Options, args=["--help"])
    lines = [line.strip(" │") for line in capsys.readouterr().out.splitlines()]
    text = " ".join(line for line in lines if line)
    assert "A sentence that goes on in its second line (and in its third)." in text
    assert not any(line.endswith(("goes on", "(and")) for line in lines)
    assert any(line.startswith("Another paragraph") for line in lines)


def test_a_signal_in_a_compiled_function_is_known_however_deep() -> None:
    stopped = Stopped(signal.SIGINT)
    inner, outer = SystemError("an exception was set"), SystemError("and again")
    inner.__cause__, outer.__cause__ = stopped, inner
    assert stopped_within(outer) is stopped and stopped_within(inner) is stopped
    assert stopped_within(SystemError("of its own")) is None
