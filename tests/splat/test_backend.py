"""Which backend is chosen, and what is said about it."""

from collections.abc import Iterator

import pytest
import torch

from splat import backend


@pytest.fixture(autouse=True)
def forget_choice() -> Iterator[None]:
    """The choice is made once per process; these tests make it anew."""
    backend.choose_backend.cache_clear()
    yield
    backend.choose_backend.cache_clear()


def test_without_cuda_the_cpu_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert backend.choose_backend("auto") == ("cpu", "no CUDA device is available to PyTorch")
    assert backend.choose_backend("cpu")[0] == "cpu"
    with pytest.raises(ValueError, match=r"^cannot render on CUDA: no CUDA device [^\n]*$"):
        backend.choose_backend("cuda")


def test_broken_gsplat_falls_back_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AttributeError("'NoneType' object has no attribute 'CameraModelType'\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("splat.cuda.draw_trial_image", fail)
    chosen, reason = backend.choose_backend("auto")
    assert chosen == "cpu" and "CameraModelType" in reason and "\n" not in reason
    with pytest.raises(ValueError, match="gsplat does not work here"):
        backend.choose_backend("cuda")


def test_an_error_without_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("splat.cuda.draw_trial_image", fail)
    assert "RuntimeError" in backend.choose_backend("auto")[1]


def test_working_gsplat_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a device")
    monkeypatch.setattr("splat.cuda.draw_trial_image", lambda: None)
    assert backend.choose_backend("auto") == ("gsplat", "CUDA device a device")
    assert backend.choose_backend("cpu")[0] == "cpu"
