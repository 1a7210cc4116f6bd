"""Captures of many views: what one view costs does not depend on how many there are."""

import gc
import time
import tracemalloc
from pathlib import Path

import pytest
from captures import CaptureSpec, ring, tetrahedron, write_capture

from avatar.reconstruct.capture import Capture
from avatar.reconstruct.capture_reader import open_capture

CAMERAS = 16


def large(folder: Path, timesteps: int) -> Path:
    mesh = tetrahedron()
    vertices = mesh.vertices.expand(timesteps, -1, -1)
    return write_capture(folder, CaptureSpec(mesh, vertices, ring(CAMERAS, (16, 16))))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Captures of 256 and 1,024 views, with 2,560 pictures together, opened once."""
    root = tmp_path_factory.mktemp("captures")
    made = large(root / "small", 16), large(root / "large", 64)
    for folder in made:
        open_capture(folder)
    return made


def bytes_per_view(folder: Path) -> tuple[float, float]:
    """What stays of a view once a capture is open, and the most that opening took."""
    gc.collect()
    tracemalloc.start()
    capture = open_capture(folder)
    gc.collect()
    stays, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return stays / count(capture), most / count(capture)


def count(capture: Capture) -> int:
    return sum(map(len, capture.splits.values()))


def test_a_view_takes_little_memory(folders: tuple[Path, Path]):
    stays, most = bytes_per_view(folders[1])
    assert stays < 1000
    assert most < 8000


def test_views_of_one_camera_share_it(folders: tuple[Path, Path]):
    views = open_capture(folders[0]).splits["test"]
    assert len(views) == 14 * CAMERAS
    assert len({id(view.camera) for view in views}) == CAMERAS


def test_time_is_linear_in_the_views(folders: tuple[Path, Path]):
    def seconds(folder: Path) -> float:
        start = time.process_time()
        open_capture(folder)
        return time.process_time() - start

    small, large = (min(seconds(folder) for _ in range(3)) for folder in folders)
    assert large < 8 * small  # of four times as many views
