"""Kernels that Numba keeps on the disk."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding
from support import ROOT, python

from common.kernels import LINE, OURS, sources

PACKAGE = {
    "__init__": "",
    "scales": "SCALE = 2.0\n",
    "offsets": "from made import scales as s\n\nOFFSET = s.SCALE + 1\n",
    "kernel": """
from common.kernels import cached_njit
from made.offsets import (
    OFFSET,  # above
)

@cached_njit()
def shifted(x):
    return x + OFFSET

def use():
    shifted(1.0)

def fail():
    raise ValueError
""",
}
RUN = "from made.kernel import shifted; print(shifted(1.0), sum(shifted.stats.cache_hits.values()))"
RENDER = """
import torch
from splat import Gaussians, orbit, render, rgb_to_sh
one = Gaussians(
    torch.zeros(1, 3),
    torch.tensor([[1.0, 0, 0, 0]]),
    torch.full((1, 3), 0.05),
    torch.ones(1),
    rgb_to_sh(torch.ones(1, 3))[:, None],
)
print(render(one, orbit(torch.zeros(3), 1.0, 0.0, 0.0, 30.0, 16, 16)).alpha.sum() > 3)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    for name, text in PACKAGE.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def run(code: str, *paths: Path, **variables: str) -> str:
    """What code prints in a fresh process."""
    return ran(code, *paths, **variables).stdout.strip()


def ran(code: str, *paths: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT)))} | variables
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


def test_a_kernel_is_compiled_once_and_again_when_an_imported_constant_changes(
    package: Path,
) -> None:
    assert run(RUN, package.parent) == "4.0 0"
    assert run(RUN, package.parent) == "4.0 1"
    (package / "scales.py").write_text("SCALE = 50.0\n")
    assert run(RUN, package.parent) == "52.0 0"
    assert run(RUN, package.parent) == "52.0 1"


def test_what_was_kept_for_a_type_that_has_another_name_now_is_compiled_again(
    package: Path,
) -> None:
    text = "from typing import NamedTuple\n\n\nclass Pair(NamedTuple):\n    one: float\n"
    kernel = """
from common.kernels import cached_njit
from made.pairs import Pair


@cached_njit()
def first(pair):
    return pair.one


print(first(Pair(3.0)), sum(first.stats.cache_hits.values()))
"""
    for name in ("Pair", "Couple"):
        for file, code in (("pairs", text), ("firsts", kernel)):
            (package / f"{file}.py").write_text(code.replace("Pair", name))
        printed = run("import made.firsts", package.parent)
    assert printed == "3.0 0"


def test_what_is_kept_is_valid_for_the_text_of_the_sources_whenever_it_was_written(
    package: Path,
) -> None:
    assert run(RUN, package.parent) == "4.0 0"
    for source in package.glob("*.py"):
        os.utime(source, (2e9, 2e9))
    assert run(RUN, package.parent) == "4.0 1"


BESIDE = """
import common.kernels as c
from made import kernel
c.available_threads = lambda: 2
c.active_count = lambda: THREADS
c.compile_beside(kernel.WORK, kernel.shifted)
c._forked = c._spawned = None  # one is enough
c.compile_beside(kernel.WORK, kernel.shifted)
assert len(c._HELPERS) == STARTED
"""


@pytest.mark.parametrize("threads", [1, 2])  # with more than one it is no copy of this process
@pytest.mark.parametrize(("work", "kept"), [("use", 1), ("fail", 0)])
def test_a_kernel_that_another_process_compiles_is_waited_for(
    package: Path, work: str, kept: int, threads: int
) -> None:
    def beside(started: int) -> str:
        told = {"WORK": work, "STARTED": str(started), "THREADS": str(threads)}
        return re.sub("|".join(told), lambda found: told[found[0]], BESIDE) + RUN

    assert run(beside(1), package.parent) == f"4.0 {kept}"
    assert run(beside(0), package.parent) == "4.0 1"


LOCKED = """
from numba.core import caching
def refused(locator):
    raise PermissionError
caching.InTreeCacheLocator.ensure_cache_path = refused
"""


def test_what_was_kept_beside_the_sources_is_read_where_these_cannot_be_written(
    package: Path, tmp_path: Path
) -> None:
    own = {"XDG_CACHE_HOME": str(tmp_path / "own")}
    assert run(RUN, package.parent) == "4.0 0"
    assert run(LOCKED + RUN, package.parent, **own) == "4.0 1"
    assert not list((tmp_path / "own").rglob("*.nbc"))
    (package / "scales.py").write_text("SCALE = 50.0\n")
    assert run(LOCKED + RUN, package.parent, **own) == "52.0 0"
    assert run(LOCKED + RUN, package.parent, **own) == "52.0 1"


def test_a_folder_for_kernels_that_is_named_is_the_only_one(package: Path, tmp_path: Path) -> None:
    assert run(RUN, package.parent) == "4.0 0"
    assert run(RUN, package.parent, NUMBA_CACHE_DIR=str(tmp_path / "named")) == "4.0 0"


def test_sources_are_all_files_that_are_imported(package: Path) -> None:
    found = sources(package / "kernel.py", "made.kernel")
    assert found == {package / f"{name}.py" for name in ("kernel", "offsets", "scales", "__init__")}


def test_the_rasterizer_depends_on_the_conventions_and_not_on_files() -> None:
    found = sources(ROOT / "splat" / "cpu" / "project.py", "splat.cpu.project")
    names = {path.relative_to(ROOT / "splat").as_posix() for path in found if "splat" in path.parts}
    assert {"scene/conventions.py", "cpu/fields.py", "cpu/geometry.py"} < names
    assert "scene/ply.py" not in names


def test_no_kernel_is_kept_on_the_disk_in_any_other_way() -> None:
    users = {
        str(path.relative_to(ROOT))
        for package in ("audio2mesh", "avatar", "common", "configs", "splat")
        for path in (ROOT / package).rglob("*.py")
        if "cache=True" in path.read_text()
    }
    assert not users


def test_everything_draws_without_compilation() -> None:
    assert run(RENDER, NUMBA_DISABLE_JIT="1") == "tensor(True)"


def test_only_one_module_takes_njit_from_numba() -> None:
    """The registers are chosen when the first kernel is made, whichever that is."""
    files = [path for name in sorted(OURS) for path in (ROOT / name).rglob("*.py")]
    takers = [path.name for path in files if "import njit" in path.read_text(encoding="utf-8")]
    assert takers == ["kernels.py"]


def test_kernels_use_whole_registers_where_that_is_free() -> None:
    run = (
        "from numba.core.registry import cpu_target\nimport avatar.rigging.compiled\n"
        "print(cpu_target.target_context.codegen().magic_tuple()[-1])"
    )
    modern = bool(binding.get_host_cpu_features().get("avx512vbmi"))
    for chosen, expected in (({}, modern), ({"NUMBA_CPU_FEATURES": "+sse2"}, False)):
        environ = {**os.environ, "PYTHONPATH": str(ROOT), **chosen}
        done = subprocess.run(
            [sys.executable, "-c", run], env=environ, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip().endswith("-prefer-256-bit") == expected


def test_compiling_is_announced_in_one_line_and_only_where_it_happens(package: Path) -> None:
    ours = "import common.kernels as k; k.OURS = frozenset({'made'}); "
    twice = ours + RUN + "; shifted(1)"
    assert ran(twice, package.parent).stderr.splitlines() == [LINE]
    assert ran(twice, package.parent).stderr == ""
    assert ran(RUN, package.parent).stderr == ""


RECONSTRUCTION_STEP = """
import hashlib
import numpy as np
from avatar.reconstruct.losses import ssim_and_gradient
from splat.cpu.frame import Image, Scene, View, blend, gradients, project_and_bin

rng = np.random.default_rng(0)
def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)
def equal_after_restart(*parts):
    for part in parts:
        print(hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest())
n = 2000
scales, opacities = np.exp(normal(n, 3)) / 100, rng.uniform(0.1, 0.9, n).astype(np.float32)
scene = Scene(normal(n, 3) / 10, normal(n, 4), scales, opacities, normal(n, 16, 3))
turn = np.linalg.qr(normal(3, 3))[0]
matrix = np.hstack([turn, [[0.03], [0.02], [1]]]).astype(np.float32)
position = (-turn.T @ matrix[:, 3]).astype(np.float32)
lens = np.array((500, 480, 128, 120, 256, 256), np.float32)
by_image = Image(normal(256, 256, 3), normal(256, 256), normal(256, 256))
for antialiased in (False, True):
    view = View(matrix, position, lens, antialiased)
    splats = project_and_bin(scene, view)
    image = blend(splats, view, np.zeros(3, np.float32), with_depth=True)
    by_scene, by_camera = gradients(scene, view, splats, image, by_image)
    assert all(np.abs(part).sum() > 0 for part in by_scene)
    equal_after_restart(*splats[2:], *image, *by_scene, by_camera)
weights = np.ones((256, 256), np.float32)
equal_after_restart(*ssim_and_gradient(image.colors, normal(256, 256, 3), weights))
"""


@pytest.mark.slow
def test_kept_kernels_give_the_same_bits(tmp_path: Path) -> None:
    """What reconstruction computes is the same to the bit compiled now or kept on the disk."""
    compiled, kept = (python(RECONSTRUCTION_STEP, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert len(list(tmp_path.rglob("*.rasterize_backward-*.nbi"))) == 1
    assert compiled.split() == kept.split()
