"""Which triangles of the head are called eyes and mouth."""

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.heads import Head, load_head
from avatar.reconstruct.capture_writer import REGION_LABELS
from avatar.tracking.regions import OPAQUE, overlay, region_map, seen_parts, triangle_labels
from splat import Camera, orbit

LIPS_WIDE, LIPS_LOW, LIPS_HIGH = 0.028, -0.063, -0.036  # metres of the mean head
SIZE = 256


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


FRONT: Camera = orbit(torch.tensor([0.0, 0.0, 0.05]), 0.6, 0, 0, 25.0, SIZE, SIZE)


def labelled(head: Head, vertices: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Labels [P] and where on the head at rest [P, 3] of the pixels that show it from the front."""
    seen = seen_parts(FRONT, head, vertices)
    triangles = triangle_labels(head)
    labels = region_map(seen, triangles, torch.ones(SIZE, SIZE), torch.zeros(SIZE, SIZE))
    shown = seen.faces >= 0
    middles = head.vertices[head.faces].mean(1).numpy()
    return labels[shown], middles[seen.faces[shown]]


def test_the_mouth_ends_at_the_red_of_the_lips(head: Head):
    labels, places = labelled(head, head.vertices)
    x, y, _ = places[labels == REGION_LABELS["mouth"]].T
    assert len(x) > 200
    assert np.abs(x).max() < LIPS_WIDE
    assert y.min() > LIPS_LOW and y.max() < LIPS_HIGH


def test_inside_an_open_mouth_all_is_mouth(head: Head):
    labels, places = labelled(head, head.vertices + head.unit("jawOpen"))
    inside = (np.abs(places[:, 0]) < 0.015) & (places[:, 1] < -0.045) & (places[:, 1] > -0.052)
    assert (labels[inside] == REGION_LABELS["mouth"]).all()


def test_both_eyes_are_alike_and_small(head: Head):
    labels, places = labelled(head, head.vertices)
    x, y, _ = places[labels == REGION_LABELS["eyes"]].T
    assert (x > 0).mean() == pytest.approx(0.5, abs=0.03)
    assert len(x) < 0.05 * len(labels)
    assert np.ptp(y) < 0.04


def test_the_mesh_is_mixed_into_pixels_that_show_it_and_into_no_others(head: Head):
    seen, triangles = seen_parts(FRONT, head, head.vertices), triangle_labels(head)
    dark, bright = (
        overlay(picture, seen, head, triangles, FRONT, head.vertices).astype(float)
        for picture in (torch.zeros(SIZE, SIZE, 3), torch.ones(SIZE, SIZE, 3))
    )
    shown = seen.faces >= 0
    assert 0.1 < shown.mean() < 0.9
    np.testing.assert_allclose((bright - dark)[shown] / 255, 1 - OPAQUE, atol=0.005)
    assert dark[shown].min() > 0 and not dark[~shown].any() and (bright[~shown] == 255).all()
