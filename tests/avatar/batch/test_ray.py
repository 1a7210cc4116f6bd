"""The same batch by Ray's actors on this machine."""

import os
import random
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batches import here, manifest, outputs
from support import write_wav

from avatar.batch.jobs import RECORDS
from avatar.batch.options import BatchOptions
from avatar.batch.run import run_batch
from common.errors import InputError


@pytest.mark.slow
def test_ray_makes_the_same_bytes_though_a_worker_is_killed(
    given: BatchOptions, voice: np.ndarray, tmp_path: Path
):
    pytest.importorskip("ray", reason="Ray is not installed (the extra `ray`)")
    for number in range(12):
        start = 4000 * number
        write_wav(Path(given.audio[0]) / f"more{number}.wav", voice[start : start + 8000])
    run_batch(replace(given, out=str(tmp_path / "uninterrupted"), threads=1), here)
    out, killed = Path(given.out), []

    def kill_one() -> None:
        deadline = time.monotonic() + 120
        while len(list((out / RECORDS).glob("*.json"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        actors = _actors()
        os.kill(random.Random(3).choice(actors), signal.SIGKILL)
        killed.append(len(actors))

    killer = threading.Thread(target=kill_one)
    killer.start()
    done = run_batch(replace(given, engine="ray", workers=2, threads=1))
    killer.join()
    assert killed == [2]
    assert (done.made, done.there, done.failed) == (15, 0, 0)
    assert outputs(out) == outputs(tmp_path / "uninterrupted")
    assert {record["status"] for record in manifest(out).values()} == {"made"}


def _actors() -> list[int]:
    """The processes that Ray gave an actor to."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_Actor"):
                found.append(int(path.parent.name))
        except OSError:  # it ended
            continue
    return found


def test_without_ray_one_sentence_says_so(given: BatchOptions, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install .*\[ray\]"):
        run_batch(replace(given, engine="ray"))


def test_options_of_ray_need_ray(given: BatchOptions):
    with pytest.raises(InputError, match="--ray-gpus: has nothing to do without --engine ray"):
        run_batch(replace(given, ray_gpus=0.5))
