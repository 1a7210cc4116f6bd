"""A performance without the person who gave it."""

import pytest
import torch

from avatar.heads.arkit import WEIGHTS
from avatar.tracking.result import HELD, TRACE, impersonal

FRAMES = 200


def given(*names: str) -> list[int]:
    return [WEIGHTS.index(name) for name in names]


@pytest.fixture
def performance() -> torch.Tensor:
    """Every unit moves for a fifth of the time; the jaw all the time. [F, 52]"""
    random = torch.Generator().manual_seed(3)
    weights = torch.rand(FRAMES, len(WEIGHTS), generator=random)
    weights *= torch.rand(FRAMES, len(WEIGHTS), generator=random) < 0.2
    weights[:, given("jawOpen")] = 0.2 + 0.3 * torch.rand(FRAMES, 1, generator=random)
    weights[:, [k for k, name in enumerate(WEIGHTS) if name.startswith("eyeLook")]] = 0
    return weights


def test_what_a_face_always_shows_is_the_persons(performance: torch.Tensor):
    """Somebody who smiles a little and trembles gives the same performance as somebody else."""
    smiling, rest = performance.clone(), torch.zeros(len(WEIGHTS))
    rest[given("mouthSmileLeft", "browInnerUp", "eyeWideRight")] = torch.tensor([0.3, 0.1, 0.2])
    smiling = rest + (1 - rest) * smiling
    tremble = torch.rand(smiling.shape, generator=torch.Generator().manual_seed(0))
    smiling = torch.maximum(smiling, 0.5 * TRACE * tremble)
    smiling[:, given(*HELD)] = performance[:, given(*HELD)]
    torch.testing.assert_close(impersonal(smiling), impersonal(performance), atol=TRACE, rtol=0)


def test_what_is_full_stays_full_and_the_jaw_as_it_is(performance: torch.Tensor):
    performance[:7] = 1.0
    found = impersonal(performance)
    looks = [name.startswith("eyeLook") for name in WEIGHTS]
    assert float(found[:7, ~torch.tensor(looks)].min()) > 1 - 1e-6
    held = given(*HELD)
    torch.testing.assert_close(found[:, held], performance[:, held])
    assert float(found.min()) >= 0 and float(found.max()) <= 1


def test_who_mostly_looks_up_looks_straight_ahead():
    weights = torch.zeros(FRAMES, len(WEIGHTS))
    up, down = given("eyeLookUpLeft", "eyeLookDownLeft")
    weights[:, up] = 0.3
    weights[:20, up] = 0.5
    weights[20:40, up], weights[20:40, down] = 0.0, 0.1
    found = impersonal(weights)
    assert found[:20, up].tolist() == pytest.approx([0.2] * 20)
    assert found[20:40, down].tolist() == pytest.approx([0.4] * 20)
    assert float(found[40:].abs().max()) == 0
