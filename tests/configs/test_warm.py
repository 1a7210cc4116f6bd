"""All kernels are compiled by one command."""

import json
import os
import subprocess
import sys
from importlib import import_module

import pytest
from support import ROOT

from common.kernels import KERNELS, OURS

LEFT = """
import json
from common.kernels import KernelCache
KernelCache.load_overload = lambda *given: None  # compiles what only kernels call as well
from configs.commands.warm import main
from configs.options import WarmOptions
from common.kernels import KERNELS
main(WarmOptions())
print(json.dumps([f"{k.py_func.__module__}.{k.__name__}" for k in KERNELS if not k.signatures]))
"""


def inlined(kernel: object) -> bool:
    options = kernel.targetoptions  # type: ignore[attr-defined]
    return options.get("inline") == "always" or bool(options.get("forceinline"))


@pytest.mark.soak
def test_every_kernel_is_compiled():
    for package in sorted(OURS):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "@cached_njit" in path.read_text():
                import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", LEFT]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    *_, said, left = done.stdout.splitlines()
    wanted = {f"{k.py_func.__module__}.{k.__name__}" for k in KERNELS if not inlined(k)}
    missing = {*json.loads(left)} & wanted
    assert not missing
    assert "kernels compiled for this processor" in said
