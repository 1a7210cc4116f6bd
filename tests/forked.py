"""Two processes that a server forks, each with what tests need imported already."""

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

import pytest
from support import ROOT

CONTEXT = multiprocessing.get_context("forkserver")


def two_processes(work: Callable[..., object], *parts: tuple[Any, ...], seconds: float) -> None:
    """Do a work with the arguments of each of two parts at once, and wait for its end.

    The server imports the work's module once. It looks where PYTHONPATH says, and ignores a module
    that it does not find: each process would then import all anew.
    """
    assert len(parts) == 2
    CONTEXT.set_forkserver_preload([work.__module__])
    workers = [CONTEXT.Process(target=work, args=given) for given in parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "tests"))))
        for worker in workers:
            worker.start()
    for worker in workers:
        worker.join(seconds)
        assert worker.exitcode == 0
