"""What many tests share: a small avatar, a second of voice, the drive command in this process.

Each worker of pytest-xdist computes with one thread, unless the environment or a test says
otherwise: several would wait for each other more than they compute.
"""

import os
import runpy
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import common.threads  # noqa: F401  before torch: threads that wait sleep

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numba
import numpy as np
import pytest
import torch
from gsplat_kernels import pretended_cuda
from support import ROOT, Outcome, write_wav

from audio2mesh import load_audio
from avatar.avatar_io.avatar_file import save_avatar
from avatar.heads import load_head
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind
from configs.cli import main
from research.captures.pose import Surface, pose_scene
from research.captures.scene import Scene, build_scene
from splat import Gaussians, choose_backend, rgb_to_sh


@pytest.fixture(autouse=True)
def interruptible() -> None:
    """Signals end each test, also what it starts: pytest-xdist has its processes ignore Ctrl-C, and
    a command that has ended in this process leaves signals ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def one_thread_each() -> None:
    """See above; torch has read the environment by itself."""
    if "PYTEST_XDIST_WORKER" in os.environ and os.environ["OMP_NUM_THREADS"] == "1":
        numba.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither see nor fill the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESPLAT_CACHE", str(tmp_path_factory.mktemp("own-cache")))
        yield


@pytest.fixture
def cuda() -> Iterator[torch.device]:
    """The CUDA device, where gsplat must draw; a pretended one where there is none."""
    choose_backend.cache_clear()
    if torch.cuda.is_available():
        choose_backend("cuda")
        yield torch.device("cuda", 0)
        return
    with pretended_cuda() as device:
        yield device
    choose_backend.cache_clear()


@pytest.fixture(scope="session")
def small_avatar() -> Avatar:
    """anny-head with one skin-coloured Gaussian on every triangle of the face and mouth."""
    head = load_head()
    binding = torch.arange(len(head.faces))
    corners = head.vertices[head.faces]  # [M, 3, 3]
    edges = corners - corners.roll(1, 1)
    area = torch.linalg.cross(edges[:, 0], edges[:, 1]).norm(dim=1)
    binding = binding[area > 1e-9]
    size = (area[binding].sqrt() * 0.6)[:, None]
    colours = torch.tensor([0.8, 0.6, 0.5]).expand(len(binding), 3)
    gaussians = Gaussians(
        means=corners[binding].mean(1),
        quats=torch.tensor([1.0, 0, 0, 0]).expand(len(binding), 4),
        scales=size.expand(-1, 3),
        opacities=torch.full((len(binding),), 0.95),
        sh=rgb_to_sh(colours)[:, None],
    )
    local = bind(gaussians, binding, head.vertices, head.faces)
    return Avatar(local, binding, head.vertices, head.faces, head.topology)


@pytest.fixture
def avatar_file(small_avatar: Avatar, tmp_path: Path) -> Path:
    path = tmp_path / "subject.ply"
    save_avatar(path, small_avatar)
    return path


@pytest.fixture(scope="session")
def voice() -> np.ndarray:
    """The demo voice, mono [S] at 16 kHz."""
    return load_audio(ROOT / "assets" / "demo_voice.flac")


@pytest.fixture
def voice_file(voice: np.ndarray, tmp_path: Path) -> Path:
    return write_wav(tmp_path / "voice.wav", voice[:16_000])


@pytest.fixture
def run_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run a script, or a verb, by its name with arguments, in this process."""

    def run(name: str, *arguments: object) -> Outcome:
        script = next((ROOT / "scripts").rglob(f"{name}.py"), None)
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        status = 0
        try:
            if script:
                runpy.run_path(str(script), run_name="__main__")
            else:
                main(name)
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def run_drive(run_script: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Run scripts/drive.py with arguments, in this process."""
    return partial(run_script, "drive")


@pytest.fixture(scope="session")
def scene() -> Scene:
    return build_scene(0)


@pytest.fixture(scope="session")
def other_scene() -> Scene:
    return build_scene(1)


@pytest.fixture(scope="session")
def at_rest(scene: Scene) -> Surface:
    return pose_scene(scene, np.zeros(scene.rest.shape), np.eye(4))
