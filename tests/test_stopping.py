"""A run that breaks off leaves nothing behind: a full disk, Ctrl-C, termination."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import ROOT, Outcome, write_wav

Run = Callable[..., Outcome]


def drive_process(*arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [*before, sys.executable, str(ROOT / "scripts" / "drive.py"), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.slow
def test_a_full_disk(run_drive: Run, avatar_file: Path, voice: np.ndarray, tmp_path: Path):
    """Simulated by a limit on the size of files, once everything is compiled and cached."""
    audio = write_wav(tmp_path / "long.wav", np.tile(voice, 2))
    before = sorted(tmp_path.iterdir())
    given = ("--avatar", avatar_file, "--audio", audio, "--width", 256, "--height", 256)
    assert run_drive(*given, "--out", tmp_path / "warm.webm", "--fps", 1).status == 0
    (tmp_path / "warm.webm").unlink()

    limited = ("sh", "-c", 'ulimit -f 58; exec "$@"', "sh")  # blocks of 512 bytes
    process = drive_process(*given, before=limited)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2, errors
    sentence = errors.strip().splitlines()[-1]
    assert sentence.startswith("error: ") and "long_subject.mp4" in sentence
    assert "Traceback" not in errors
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped(
    avatar_file: Path, voice: np.ndarray, tmp_path: Path, number: signal.Signals
):
    audio = write_wav(tmp_path / "long.wav", np.tile(voice, 20))
    before = sorted(tmp_path.iterdir())
    motion = tmp_path / "motion.npz"
    process = drive_process("--avatar", avatar_file, "--audio", audio, "--save-motion", motion)
    deadline = time.monotonic() + 240
    while len(list(tmp_path.iterdir())) < len(before) + 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert "Traceback" not in errors
    assert sorted(tmp_path.iterdir()) == before


LISTENS_TO_SIGNALS = """
from dataclasses import dataclass

import numpy as np
from numba import njit

from configs.command import Stopped, run_verb
from configs.verbs import Verb


@dataclass(frozen=True)
class Nothing:
    pass


@njit
def last_sum(count):
    total = 0.0
    for i in range(count):
        total += np.sin(i * total)
    return np.full(3, total), total


def main(options):
    for _ in range(100):  # the handler raises when the kernel makes its result or, often, after it
        try:
            last_sum(10)
            print("running", flush=True)
            while True:
                last_sum(2_000_000)
        except Stopped:
            continue


run_verb("command", Verb("__main__:Nothing", "__main__:main", ""), [])
"""


def test_a_signal_in_a_compiled_function_stops_as_any_other():
    """Numba tells an exception that a signal's handler raised inside a kernel as SystemError."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", LISTENS_TO_SIGNALS]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout and process.stderr
        for _ in process.stdout:
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 128 + signal.SIGINT, errors
    assert errors == "interrupted: nothing half-written is left\n"


SIGNALS_WHILE_PYTHON_ENDS = """
import os
import sys
from dataclasses import dataclass

from configs.command import run_verb
from configs.verbs import Verb

number, status = map(int, sys.argv[1:])


@dataclass(frozen=True)
class Nothing:
    pass


class Last:  # when it goes, Python has given signals with a handler their default actions back
    def __del__(self, kill=os.kill, write=os.write, process=os.getpid(), number=number):
        kill(process, number)
        write(1, b"ended")


def main(options):
    sys.last_value = Last()
    if status:
        sys.exit(status)


run_verb("command", Verb("__main__:Nothing", "__main__:main", ""), [])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("status", [0, 1])
def test_a_signal_after_the_work_does_not_change_the_status(number: signal.Signals, status: int):
    given = map(str, (int(number), status))
    command = [sys.executable, "-c", SIGNALS_WHILE_PYTHON_ENDS, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "ended", "")


@pytest.mark.parametrize("module", ["tyro", "numpy", "torch.nn", "avatar.drive"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_while_python_imports(module: str, number: signal.Signals, tmp_path: Path):
    script = str(ROOT / "scripts" / "drive.py")
    given = ["--avatar", tmp_path / "a.ply", "--audio", tmp_path / "a.wav"]
    command = [sys.executable, "-X", "importtime", script, *map(str, given)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:  # of each import, when it is done
            if line.rpartition("|")[2].strip().startswith(module):
                process.send_signal(number)
                break
        lines = [line for line in process.stderr if not line.startswith("import time:")]
    assert process.returncode == 128 + number, lines
    assert "".join(lines) == "interrupted: nothing was begun\n"
