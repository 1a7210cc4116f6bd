"""The doctor says what is there in a line each, whatever is broken."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from av.codec import codec
from support import Outcome

from configs.commands.doctor import CHECKS, main
from configs.doctor import checks, gpu
from configs.doctor.checks import Finding, examined
from configs.options import DoctorOptions

GIB = 2**30


def test_a_line_for_each_and_advice_where_something_is_not_there(
    run_script: Callable[..., Outcome], tmp_path: Path
):
    outcome = run_script("doctor", "--report", tmp_path / "r.json")
    saved = json.loads((tmp_path / "r.json").read_text())
    found = {name: Finding(**parts) for name, parts in saved["machine"].items()}
    assert list(found) == list(CHECKS)
    assert outcome.status == any(finding.state == "broken" for finding in found.values())
    for name, finding in found.items():
        (line,) = (line for line in outcome.stdout.splitlines() if line.split()[0] == name)
        assert finding.said and finding.said in line and finding.state in line
        assert finding.state == "works" or finding.advice.endswith(".")
    assert found["torch"].state == found["codecs"].state == "works"


def test_what_a_check_raises_is_told_and_the_others_go_on():
    def fails() -> Finding:
        raise OSError("libcudart.so.12: cannot open shared object file\nmore")

    first, second = dict(examined({"a": fails, "b": checks.check_python})).values()
    assert first.state == "broken" and second.state == "works"
    assert first.said == "OSError: libcudart.so.12: cannot open shared object file"


@pytest.mark.parametrize("module", ["gsplat", "gsplat.rendering"])
def test_a_gsplat_that_cannot_be_imported(module: str, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    found = checks.check_gsplat()
    assert found.state == "broken" and "(ModuleNotFoundError: " in found.said
    assert "gsplat==1.5.3" in found.advice and "on the CPU" in found.advice
    monkeypatch.setattr("configs.commands.doctor.CHECKS", {"gsplat": checks.check_gsplat})
    with pytest.raises(SystemExit) as ended:
        main(DoctorOptions())
    assert ended.value.code == 1 and capsys.readouterr().out.startswith("gsplat     broken   ")


def test_a_torch_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert checks.check_torch().state == "broken"
    names = ("torch", "device", "gsplat", "kernels", "memory")
    found = dict(examined({name: CHECKS[name] for name in names}))
    assert found["device"].state == found["gsplat"].state == "broken"
    assert found["memory"].state != "broken"


@pytest.fixture
def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("no_device")
def test_a_torch_without_cuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(checks, "_said", lambda *_: None)
    monkeypatch.setattr(checks, "DRIVER", tmp_path / "version")
    assert "there is no NVIDIA driver" in checks.check_device().said
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64  Module  560.35.03  2024\n")
    monkeypatch.setattr(torch.version, "cuda", None)
    found = checks.check_device()
    assert found.state == "missing" and "driver 560.35.03" in found.said
    assert "Install PyTorch built for CUDA" in found.advice
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert "Update the driver to one for CUDA 12.8" in checks.check_device().advice
    assert checks.check_gsplat().state == "missing"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A device, of which only the answers are there, and nothing that is built."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    monkeypatch.setattr("torch.utils.cpp_extension.CUDA_HOME", "/cuda")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("nvcc", "advised"),
    [
        (None, "Install the CUDA toolkit 12.8 (nvcc)"),
        ("Cuda compilation tools, release 11.5, V11.5.119", "/cuda/bin/nvcc is of CUDA 11"),
        ("Cuda compilation tools, release 12.4, V12.4.131", "The first film builds it into "),
    ],
)
def test_a_gsplat_that_is_not_built(
    nvcc: str | None, advised: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "_said", lambda *_: nvcc)
    found = checks.check_gsplat()
    assert found.state == "missing" and found.advice.startswith(advised)


@pytest.mark.usefixtures("device")
def test_a_gsplat_that_is_built_and_does_not_draw(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "gsplat_cuda").mkdir()
    (tmp_path / "gsplat_cuda" / "gsplat_cuda.so").touch()
    monkeypatch.setattr("splat.why_not_gsplat", lambda: "gsplat does not work here (X: y)")
    found = checks.check_gsplat()
    assert found.state == "broken" and str(tmp_path / "gsplat_cuda") in found.advice
    monkeypatch.setattr("splat.why_not_gsplat", lambda: None)
    assert checks.check_gsplat().state == "works"


@pytest.mark.parametrize(
    ("limit", "free", "state"), [(0.5, 0.5, "limited"), (1.0, 1.0, "limited"), (1e6, 8.0, "works")]
)
def test_the_memory_of_a_container(
    limit: float, free: float, state: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    kilobytes = f"MemTotal: {16 * 2**20} kB\nMemFree: 1 kB\nMemAvailable: {8 * 2**20} kB\n"
    (tmp_path / "meminfo").write_text(kilobytes)
    monkeypatch.setattr(checks, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(checks, "memory_limit", lambda: limit * GIB)
    assert checks.memory() == (min(limit, 16) * GIB, free * GIB)
    found = checks.check_memory()
    assert found.state == state and f"{free:.1f} of " in found.said


def test_a_codec_that_pyav_has_not(monkeypatch: pytest.MonkeyPatch):
    def without(name: str, mode: Literal["r", "w"]) -> object:
        if name == "libx264":
            raise codec.UnknownCodecError(name)
        return real(name, mode)

    real = codec.Codec
    monkeypatch.setattr(codec, "Codec", without)
    found = checks.check_codecs()
    assert found.state == "broken" and found.said.endswith("encodes no H.264 (libx264)")
    monkeypatch.setitem(sys.modules, "av", None)
    assert "PyAV cannot be imported" in checks.check_codecs().said


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", "/proc/voicesplat")
    found = checks.check_cache()
    assert found.state == "limited" and "VOICESPLAT_CACHE" in found.advice


@pytest.mark.gpu
def test_the_parts_of_a_device_are_tried(cuda: torch.device, tmp_path: Path):
    """One film; the parts of --gpu differ only in what they call."""
    figures = gpu._drive(tmp_path, "cuda", (64, 48), 0.2)
    assert figures["backend"] == "gsplat"
    assert all(float(figures[f"{name} ms"]) > 0 for name in ("audio2mesh", "rig", "raster"))
    row = gpu.rows(gpu.Measured("drive 64x48", figures, 1.0))
    assert row.startswith("| drive 64x48 | backend gsplat; fps ") and row.endswith(" |")


@pytest.mark.gpu
@pytest.mark.soak
def test_the_parts_of_a_checkout_are_tried(cuda: torch.device, tmp_path: Path):
    assert float(gpu._train("cuda", steps=1)["steps a second"]) > 0
    apart = gpu._against_cpu("cuda")
    assert float(apart["mean"]) < 1e-3 and float(apart["gradients, relative"]) < 0.1, apart
    assert float(gpu._reconstruct(tmp_path, "cuda", steps=3, side=48)["held-out dB"]) > 5


def test_what_fails_on_a_device_does_not_stop_the_rest(monkeypatch: pytest.MonkeyPatch):
    def fails() -> gpu.Figures:
        raise RuntimeError("CUDA error: an illegal memory access\nmore")

    monkeypatch.setattr(gpu, "_parts", lambda *_: {"a": fails, "b": lambda: {"dB": 33.0}})
    first, second = gpu.measured()
    assert gpu.rows(first) == "| a | RuntimeError: CUDA error: an illegal memory access |"
    assert gpu.rows(second) == "| b | dB 33 |"
    monkeypatch.setattr(gpu, "LONGEST", -1.0)
    assert "left out" in next(iter(gpu.measured())).failed


def test_a_device_is_not_tried_where_there_is_none(run_script: Callable[..., Outcome]):
    if torch.cuda.is_available():
        pytest.skip("there is a device")
    outcome = run_script("doctor", "--gpu")
    assert outcome.status == 2 and outcome.stderr.splitlines()[-1].startswith("error: --gpu: ")
