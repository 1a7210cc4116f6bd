"""A face of a few vertices."""

import pytest
import torch
from speech_models import VERTICES

from audio2mesh.data.face_geometry import FaceGeometry


@pytest.fixture
def face() -> FaceGeometry:
    rest = torch.randn(VERTICES, 3, generator=torch.Generator().manual_seed(1)) * 0.05
    rest[2:4] = rest[:2]  # sealed lips
    upper, lower = torch.tensor([0, 1]), torch.tensor([2, 3])
    upper_face, teeth, tongue = torch.arange(6, 9), torch.arange(9, 11), torch.tensor([11])
    return FaceGeometry(rest, torch.arange(6), upper, lower, upper_face, teeth, tongue)
