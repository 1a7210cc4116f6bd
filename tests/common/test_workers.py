"""Processes that share work: every item once, whoever dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import ROOT

from common.workers import Died, in_processes


def squared(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def dies_once(path: str) -> str:
    """Kills its process where the file is not there yet."""
    if path and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def dies(number: int) -> int:
    if number == 2:
        os._exit(3)
    return number


def test_every_item_is_done_by_processes_that_live_on():
    squares, processes, before = set(), set(), set(multiprocessing.active_children())
    for item, result in in_processes(squared, iter(range(20)), 2):
        assert not isinstance(result, Died)
        squares.add((item, result[0]))
        processes.add(result[1])
    assert squares == {(number, number**2) for number in range(20)}
    assert 1 <= len(processes) <= 2 and os.getpid() not in processes
    assert set(multiprocessing.active_children()) <= before
    assert list(in_processes(squared, [], 2)) == []


def test_an_item_whose_worker_was_killed_is_done_by_another(tmp_path: Path):
    paths = [str(tmp_path / name) for name in "abc"]
    assert sorted(in_processes(dies_once, paths, 2)) == [(path, path) for path in paths]


def test_an_item_that_kills_every_worker_is_given_up():
    results = dict(in_processes(dies, range(4), 2))
    assert results == {0: 0, 1: 1, 2: Died("its worker ended with status 3"), 3: 3}


def test_a_worker_that_dies_when_all_is_done_is_no_matter():
    results = in_processes(squared, range(4), 1)
    done = [next(results) for _ in range(4)]
    (worker,) = multiprocessing.active_children()
    worker.kill()
    worker.join()
    assert list(results) == [] and len(done) == 4


SLEEPS = """
import sys, time
from pathlib import Path
from common.workers import in_processes

def rests(path):
    try:
        Path(path).touch()
        time.sleep(60)
    finally:
        Path(path).unlink()

if __name__ == "__main__":
    list(in_processes(rests, sys.argv[1:], 2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_began_them(tmp_path: Path, number: signal.Signals):
    """.. and clean up, where they are given the time."""
    script = tmp_path / "sleeps.py"
    script.write_text(SLEEPS)
    paths = [tmp_path / "a", tmp_path / "b"]
    command = [sys.executable, str(script), *map(str, paths)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as process:
        assert process.stderr
        _until(lambda: all(path.exists() for path in paths))
        workers = _children(process.pid)
        process.send_signal(number)
        process.stderr.read()  # held open by the workers as well
    _until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert any(path.exists() for path in paths) == (number == signal.SIGKILL)


def _children(process: int) -> list[str]:
    if not Path("/proc").is_dir():
        return []
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def _until(done) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
