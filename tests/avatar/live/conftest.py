"""A speaker with a tiny voice model on anny-head, and a server of a real one."""

from collections.abc import Iterator

import pytest
import torch
from live_servers import Try, served_checks
from speech_models import tiny_model

from avatar.behaviour.motion import Behaviour
from avatar.live.speaker import Speaker
from avatar.retarget.fitted_face import shipped_face


@pytest.fixture(scope="session")
def speaker() -> Speaker:
    model, face = tiny_model(moving=True), shipped_face()
    generator = torch.Generator().manual_seed(0)
    basis = 1e-3 * torch.randn(len(model.basis), len(face.mesh.vertices), 3, generator=generator)
    return Speaker(model, face, basis, Behaviour())


@pytest.fixture(scope="session")
def serve() -> Iterator[Try]:
    yield from served_checks()
