"""Openings of mouths, as the landmark network sees them."""

import numpy as np
import pytest
import torch

from avatar.avatar_io.avatar_file import load_avatar
from avatar.heads import load_head
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import load_face_finder
from common.assets import DEMO_AVATAR
from research.evaluation.avatar.scores import lip_opening
from research.evaluation.figures import correlation
from splat import orbit


def test_a_mouth_that_opens_is_seen_to_open():
    avatar, jaw = load_avatar(DEMO_AVATAR), load_head().unit("jawOpen")
    rig, draw = avatar_rig(avatar, torch.device("cpu")), rasterizer("cpu", torch.ones(3))
    camera = orbit(avatar.vertices.mean(0), 1.3, 0.0, 0.0, 20.0, width=256, height=256)
    finder, weights = load_face_finder(), (0.0, 0.2, 0.4, 0.6)
    seen = [lip_opening(finder, draw(rig(avatar.vertices + w * jaw), camera)) for w in weights]
    pairs = [(s, w) for s, w in zip(seen, weights, strict=True) if s is not None]
    assert len(pairs) == 4 and pairs[0][0] < 0.05
    found = correlation(pairs)
    assert found is not None and found > 0.95
    assert lip_opening(finder, torch.full((256, 256, 3), 0.5)) is None


def test_correlation_is_pearsons_where_there_is_one():
    pairs = np.random.default_rng(0).standard_normal((50, 2))
    pairs[:, 1] += pairs[:, 0]
    assert correlation(pairs) == pytest.approx(np.corrcoef(pairs[:, 0], pairs[:, 1])[0, 1])
    assert correlation([(1.0, 2.0), (2.0, 4.0)]) is None
    assert correlation([(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]) is None
