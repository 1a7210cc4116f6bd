"""Who decides how many threads compute, and that those without work sleep."""

import math
import os
import sys
from pathlib import Path

import pytest
import torch
from support import python

from common import threads
from common.errors import InputError
from common.threads import (
    WAITING,
    available_threads,
    cpu_quota,
    group_memory,
    group_quota,
    keep_to_quota,
    memory_limit,
    sleep_while_waiting,
    use_threads,
)
from configs.verbs import VERBS


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")
    return folder


# --- the quota of control groups


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("max 100000", math.inf),
        ("200000 100000", 2.0),
        ("150000 100000", 1.5),
        ("5000 10000", 0.5),
        ("", math.inf),
    ],
)
def test_a_quota_of_version_2(tmp_path: Path, text: str, quota: float):
    assert group_quota(write(tmp_path, cpu__max=text)) == quota


@pytest.mark.parametrize(("microseconds", "quota"), [("-1", math.inf), ("250000", 2.5)])
def test_a_quota_of_version_1(tmp_path: Path, microseconds: str, quota: float):
    write(tmp_path, cpu__cfs_quota_us=microseconds, cpu__cfs_period_us="100000")
    assert group_quota(tmp_path) == quota


def membership(folder: Path, *lines: str) -> Path:
    return write(folder, cgroup="\n".join(lines)) / "cgroup"


def test_groups_above_limit_as_well(tmp_path: Path):
    mount = write(tmp_path / "fs", cpu__max="max 100000")
    write(mount / "slice", cpu__max="300000 100000")
    write(mount / "slice" / "job", cpu__max="800000 100000")
    assert cpu_quota(membership(tmp_path, "0::/slice/job"), mount) == 3.0
    assert cpu_quota(membership(tmp_path, "0::/"), mount) == math.inf


@pytest.mark.parametrize("path", ["/", "/docker/of/the/host", "/../sibling"])
def test_in_a_container_the_mount_is_the_group(tmp_path: Path, path: str):
    mount = write(tmp_path / "fs", cpu__max="400000 100000")
    assert cpu_quota(membership(tmp_path, f"0::{path}"), mount) == 4.0


@pytest.mark.parametrize("name", ["cpu", "cpu,cpuacct"])
def test_version_1_and_both_versions_together(tmp_path: Path, name: str):
    mount = tmp_path / "fs"
    write(mount / name / "job", cpu__cfs_quota_us="100000", cpu__cfs_period_us="50000")
    write(mount / "cpuset" / "job", cpu__max="1000 100000")  # of another controller
    lines = ("5:cpuset:/job", f"4:{name}:/job", "1:name=systemd:/job", "0::/job")
    assert cpu_quota(membership(tmp_path, *lines), mount) == 2.0


def test_without_control_groups_nothing_limits(tmp_path: Path):
    assert cpu_quota(tmp_path / "gone", tmp_path) == math.inf
    assert cpu_quota(membership(tmp_path, "0::/"), tmp_path) == math.inf


def test_memory_is_limited_by_groups_of_either_version(tmp_path: Path):
    mount = write(tmp_path / "fs", memory__max="max")
    write(mount / "slice", memory__max="3000")
    write(mount / "memory" / "job", memory__limit_in_bytes="2000")
    assert group_memory(mount) == math.inf
    assert memory_limit(membership(tmp_path, "0::/slice/job"), mount) == 3000
    assert memory_limit(membership(tmp_path, "4:memory:/job", "0::/"), mount) == 2000


# --- how many threads compute


@pytest.mark.parametrize(
    ("quota", "environ", "count"),
    [
        (math.inf, {}, 8),
        (2.5, {}, 3),
        (0.2, {}, 1),
        (64.0, {}, 8),
        (math.inf, {"NUMBA_NUM_THREADS": "2"}, 2),
        (math.inf, {"OMP_NUM_THREADS": "4,2"}, 4),
        (math.inf, {"NUMBA_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 2),
        (math.inf, {"OMP_NUM_THREADS": "99"}, 8),
        (math.inf, {"OMP_NUM_THREADS": "many", "NUMBA_NUM_THREADS": "0"}, 8),
    ],
)
def test_the_least_limit_counts(
    monkeypatch: pytest.MonkeyPatch, quota: float, environ: dict[str, str], count: int
):
    monkeypatch.setattr(threads, "processors", lambda: 8)
    assert available_threads(environ, quota) == count


def test_the_affinity_mask_is_respected():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); import splat, torch"
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity masks")
    code += (
        "; from common.threads import use_threads; print(use_threads(), torch.get_num_threads())"
    )
    assert python(code) == "1 1"


def test_a_quota_reaches_the_libraries(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "processors", lambda: 8)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    limited, own, free = {}, {"OMP_NUM_THREADS": "5"}, {}
    keep_to_quota(limited, 1.5)
    keep_to_quota(own, 1.5)
    keep_to_quota(free, 8.0)
    assert limited == {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    assert own == {"OMP_NUM_THREADS": "5", "NUMBA_NUM_THREADS": "2"}
    assert free == {}


def test_numba_that_runs_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "processors", lambda: 8)
    monkeypatch.setitem(sys.modules, "numba", sys)
    environ = {}
    keep_to_quota(environ, 1.5)
    assert environ == {"OMP_NUM_THREADS": "2"}


def test_torch_and_numba_take_the_number():
    code = (
        "from common.threads import use_threads; import numba, torch\n"
        "for n in (1, 2, 3, 4):\n"
        "    print(use_threads(n), numba.get_num_threads(), torch.get_num_threads())"
    )
    said = python(code, NUMBA_NUM_THREADS="3").splitlines()
    assert said == ["1 1 1", "2 2 2", "3 3 3", "3 3 3"]


@pytest.mark.parametrize("count", [0, -2])
def test_no_threads_at_all_are_refused(count: int):
    before = torch.get_num_threads()
    with pytest.raises(InputError, match=f"--threads {count}: must be at least 1"):
        use_threads(count)
    assert torch.get_num_threads() == before


# --- how threads wait


def test_by_default_threads_sleep():
    environ = {}
    sleep_while_waiting(environ)
    assert environ == WAITING


@pytest.mark.parametrize(
    ("own", "others"),
    [
        ({"OMP_WAIT_POLICY": "active"}, {"OPENBLAS_THREAD_TIMEOUT": "4"}),
        ({"OMP_WAIT_POLICY": "PASSIVE"}, WAITING),
        ({"KMP_BLOCKTIME": "infinite"}, WAITING),
        ({"OPENBLAS_THREAD_TIMEOUT": "20"}, WAITING),
    ],
)
def test_what_the_user_has_set_stays(own: dict[str, str], others: dict[str, str]):
    environ = dict(own)
    sleep_while_waiting(environ)
    assert environ == others | own


WATCH = """
import os, sys
class Watch:
    def find_spec(self, name, *_):
        if name in {libraries!r}:
            print({{name: os.environ.get(name) for name in {names!r}}})
            sys.stdout.flush()
            os._exit(0)
sys.meta_path.insert(0, Watch())
"""


MODULES = [
    "audio2mesh.model.stream",
    "splat.rendering",
    "avatar.drive.drive",
    "configs.commands.train",
]


@pytest.mark.parametrize("module", MODULES)
def test_packages_set_the_variables_first(module: str):
    watch = WATCH.format(libraries=("torch", "numpy", "numba"), names=tuple(WAITING))
    assert python(f"{watch}\nimport {module}") == str(WAITING)
    own = {"OMP_WAIT_POLICY": "ACTIVE", "OPENBLAS_THREAD_TIMEOUT": "9"}
    seen = python(f"{watch}\nimport {module}", **own)
    assert seen == str(dict.fromkeys(WAITING) | own)


def test_commands_set_the_variables_first():
    watch = WATCH.format(libraries=("torch", "numba"), names=tuple(WAITING))
    for module in sorted({verb.command.split(":")[0] for verb in VERBS.values()}):
        seen = python(f"{watch}\nimport configs.cli, {module}\nprint({WAITING!r})")
        assert seen == str(WAITING), module


LAUNCHES = """
import splat, numba, numpy as np, time, torch
from splat.cpu.sort_and_bin import bin_into_tiles
rects, order = np.tile(np.int16([0, 2, 0, 2]), (8, 1)), np.arange(8, dtype=np.int32)
picture = torch.zeros(512, 512, 3)
def launch():
    bin_into_tiles(order, rects, 2, 2, 8)
    picture.clamp(0, 1)
launch()
spent = 0.0
for _ in range(40):
    started = time.process_time()
    launch()
    time.sleep(0.02)
    spent += time.process_time() - started
print(1000 * spent / 40, numba.threading_layer())
"""


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_threads_without_work_cost_nothing(layer: str):
    """Spinning ones take up to 20 ms of every pause of 20 ms, each."""
    environ = {"NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "NUMBA_THREADING_LAYER": layer}
    spent, used = python(LAUNCHES, **environ).split()
    assert float(spent) < 3, used
