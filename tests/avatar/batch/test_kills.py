"""Batches that are killed at any moment, and begun again."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batches import here, manifest, outputs
from support import ROOT, write_wav

from avatar.batch.jobs import RECORDS
from avatar.batch.options import BatchOptions
from avatar.batch.run import run_batch


def start(avatar: Path, lines: Path, out: Path, *more: object) -> subprocess.Popen[bytes]:
    given = ("--avatars", avatar, "--audio", lines, "--out", out, "--make", "both")
    given += ("--shard", "1/1", "--width", 32, "--height", 32, "--threads", 1, *more)
    command = [sys.executable, str(ROOT / "scripts" / "batch.py"), *map(str, given)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)


def finish(*given: object) -> float:
    """Run a batch to its end; returns the seconds that it took."""
    started = time.monotonic()
    with start(*given) as process:  # pyright: ignore[reportArgumentType]
        assert process.wait(timeout=300) == 0
    return time.monotonic() - started


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def record_count(out: Path) -> int:
    return len(list((out / RECORDS).glob("*.json")))


def whole(out: Path, expected: dict[str, str]) -> bool:
    """Whether all is there; fails where anything is other than it should be."""
    found = outputs(out) if out.is_dir() else {}
    assert found.items() <= expected.items()
    return found == expected


def test_two_kills(given: BatchOptions, avatar_file: Path, lines: Path, tmp_path: Path):
    """The first while the first film is made, the second while another is."""
    run_batch(replace(given, out=str(tmp_path / "uninterrupted"), threads=1), here)
    expected, out = outputs(tmp_path / "uninterrupted"), tmp_path / "out"
    for enough in (0, 1):
        process = start(avatar_file, lines, out, "--workers", 1)
        while record_count(out) < enough or not (out / RECORDS / "making").is_dir():
            assert process.poll() is None
            time.sleep(0.005)
        kill(process)
        assert not whole(out, expected)
    finish(avatar_file, lines, out, "--workers", 1)
    assert whole(out, expected)
    assert sorted(r["status"] for r in manifest(out).values())[0] == "made"
    assert not list((out / RECORDS / "making").glob("*"))


@pytest.mark.soak
def test_twenty_kills(avatar_file: Path, voice: np.ndarray, tmp_path: Path):
    """At random moments, of the whole run or of a worker alone."""
    rng, lines, out = random.Random(7), tmp_path / "lines", tmp_path / "out"
    lines.mkdir()
    for number in range(40):
        write_wav(lines / f"{number}.wav", voice[2000 * number : 2000 * number + 8000])
    took = finish(avatar_file, lines, tmp_path / "uninterrupted", "--workers", 2)
    expected, kills = outputs(tmp_path / "uninterrupted"), 0
    while kills < 20:
        process = start(avatar_file, lines, out, "--workers", 2)
        for _ in range(rng.choice([0, 0, 2])):
            time.sleep(rng.uniform(0.1, 0.3) * took)
            kills += _kill_a_worker(process, rng)
        time.sleep(rng.uniform(0.1, 0.5) * took)
        kills += process.poll() is None
        kill(process)
        if whole(out, expected):
            (out / rng.choice(sorted(expected))).unlink()
    finish(avatar_file, lines, out, "--workers", 2)
    assert whole(out, expected)
    assert {record["status"] for record in manifest(out).values()} <= {"made", "there"}


def _kill_a_worker(process: subprocess.Popen[bytes], rng: random.Random) -> bool:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = [pid for pid in path.read_text().split() if _is_worker(pid)] if path.exists() else []
    if workers:
        os.kill(int(rng.choice(workers)), signal.SIGKILL)
    return bool(workers)


def _is_worker(pid: str) -> bool:
    """.. and not multiprocessing's tracker of resources."""
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.slow
def test_ctrl_c_ends_a_batch_cleanly(avatar_file: Path, lines: Path, tmp_path: Path):
    out = tmp_path / "out"
    process = start(avatar_file, lines, out, "--workers", 1)
    while not (out / "manifest.jsonl").is_file():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) in (0, 128 + signal.SIGINT)  # 0: it was faster
    assert len(manifest(out)) >= 1
    assert not list((out / RECORDS / "making").glob("*"))
