"""The fast kernels against their obvious twins."""

import numpy as np
import torch
from naive_raster import rasterize_naively, rasterize_naively_backward
from splat_scenes import settings

from splat.cpu.backward import SUMS, rasterize_backward
from splat.cpu.frame import Scene, blend, project_and_bin, slots
from splat.cpu.render import scene_arrays, view_arrays


def test_fast_kernels_match_the_obvious_ones() -> None:
    setting = settings()["degree 3"]
    scene: Scene = scene_arrays(setting.gaussians)
    view = view_arrays(setting.camera.viewmat, setting.camera, antialiased=False)
    splats = project_and_bin(scene, view)
    visible = np.flatnonzero(np.diff(slots(splats.rects)))
    order = visible[np.argsort(splats.fields[visible, 9], kind="stable")].astype(np.int32)
    black = np.zeros(3, np.float32)
    image = blend(splats, view, black, with_depth=True)
    assert image.depths is not None
    expected = tuple(np.empty_like(plane) for plane in image if plane is not None)
    rasterize_naively(splats.fields, splats.rects, order, black, *expected)
    for plane, other in zip(image, expected, strict=True):
        assert plane is not None
        assert np.abs(plane - other).mean() < 1e-6 and (np.abs(plane - other) < 1e-5).mean() > 0.999

    generator = torch.Generator().manual_seed(0)
    by_image = tuple(torch.randn(p.shape, generator=generator).numpy() for p in expected)
    by_splat = rasterize_naively_backward(splats.fields, splats.rects, order, expected, by_image)
    first_slots = slots(splats.rects)
    by_slot = np.zeros((len(splats.members), SUMS), np.float32)
    tiles_x = view.tiles[0]
    rasterize_backward(
        splats.fields, splats.rects, first_slots, splats.starts, splats.members, tiles_x,
        expected, by_image, by_slot,
    )  # fmt: skip
    totals = np.add.reduceat(np.vstack([by_slot, by_slot[:1] * 0]), first_slots[:-1], axis=0)
    totals[np.diff(first_slots) == 0] = 0
    assert np.linalg.norm(totals - by_splat) < 1e-4 * np.linalg.norm(by_splat)
