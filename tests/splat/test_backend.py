"""Which device and backend are chosen, and what is said about it."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from common.device import pick_device
from common.errors import InputError
from splat import rendering as backend

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def forget_choice() -> Iterator[None]:
    """The choice is made once per process; these tests make it anew."""
    backend.choose_backend.cache_clear()
    yield
    backend.choose_backend.cache_clear()


@pytest.fixture
def cuda_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch finds a device."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"number {index}")


@pytest.fixture
def broken_gsplat(monkeypatch: pytest.MonkeyPatch, cuda_of_torch: None) -> None:
    """The same machine without CUDA's compiler."""

    def fail() -> None:
        raise AttributeError("'NoneType' object has no attribute 'CameraModelType'\nmore")

    monkeypatch.setattr("splat.cuda.draw_trial_image", fail)


def test_without_cuda_the_cpu_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    told = "no CUDA device is available to PyTorch"
    assert backend.choose_backend("auto") == (CPU, "cpu", told)
    assert backend.choose_backend("cpu") == (CPU, "cpu", "the CPU was asked for")
    for choose in (backend.choose_backend, pick_device):
        with pytest.raises(InputError, match=r"^cannot compute on CUDA: no CUDA device [^\n]*$"):
            choose("cuda")


@pytest.mark.usefixtures("broken_gsplat")
def test_broken_gsplat_falls_back_with_its_reason() -> None:
    device, chosen, reason = backend.choose_backend("auto")
    assert (device, chosen) == (CPU, "cpu")
    assert "CameraModelType" in reason and "\n" not in reason
    with pytest.raises(InputError, match="gsplat does not work here"):
        backend.choose_backend("cuda")


@pytest.mark.usefixtures("cuda_of_torch")
def test_a_gsplat_that_cannot_be_imported_leaves_the_cpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr("splat.cuda", raising=False)
    monkeypatch.setitem(sys.modules, "splat.cuda", None)
    assert backend.pick_backend("auto").backend == "cpu"
    said = capsys.readouterr().err
    assert said.startswith("rasterizer: cpu (gsplat does not work here (") and said.count("\n") == 1
    with pytest.raises(InputError, match="gsplat does not work here"):
        backend.choose_backend("cuda")


def test_one_process_at_a_time_starts_gsplat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first start empties the folder that it compiles in; threads stand for processes, which
    a lock on a file keeps apart alike."""
    inside: list[int] = []

    def compiles() -> None:
        inside.append(len(inside) + 1)
        time.sleep(0.1)
        assert inside.pop() == 1

    monkeypatch.setattr("splat.cuda.draw_trial_image", compiles)
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(lambda _: backend.why_not_gsplat(), range(2))] == [None, None]


@pytest.mark.usefixtures("cuda_of_torch")
def test_an_error_without_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr("splat.cuda.draw_trial_image", fail)
    assert "RuntimeError" in backend.choose_backend("auto").reason


@pytest.mark.usefixtures("cuda_of_torch")
def test_working_gsplat_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splat.cuda.draw_trial_image", lambda: None)
    assert backend.choose_backend("auto") == (CUDA, "gsplat", "CUDA device number 0")
    assert backend.choose_backend("cpu").backend == "cpu"


def test_what_draws_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    backend.pick_backend("cpu")
    assert capsys.readouterr().err == "rasterizer: cpu (the CPU was asked for)\n"


@pytest.mark.usefixtures("broken_gsplat")
def test_what_draws_on_the_way_decides_for_torch_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert pick_device("auto") == CUDA
    assert pick_device("auto", backend.why_not_gsplat) == CPU
    assert capsys.readouterr().err.splitlines()[1].startswith("device: cpu (gsplat does not work")
    with pytest.raises(InputError, match="gsplat does not work here"):
        pick_device("cuda", backend.why_not_gsplat)


@pytest.mark.usefixtures("cuda_of_torch")
def test_of_several_devices_each_process_takes_its_own() -> None:
    assert pick_device("auto", index=3) == torch.device("cuda", 3)
