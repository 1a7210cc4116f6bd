import numpy as np
import pytest
import torch
from talking_faces import moving, talk

from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import lse
from audio2mesh.sync.options import Role
from research.evaluation.speech.articulation import Score
from research.evaluation.speech.measures import sync_judge
from research.evaluation.speech.recordings import Recording


def _net(face, role: Role) -> SyncNet3D:
    torch.manual_seed(0)
    directions = torch.randn(4, len(face.lips), 3)
    return SyncNet3D(face.rest[face.lips], directions, role).eval()


@pytest.mark.parametrize("role", ["evaluation", "loss"])
def test_lip_sync_is_that_of_the_network(face, role: Role):
    opening, audio = talk()
    net, motion = _net(face, role), moving(opening)
    scores = sync_judge(net, face)(motion, Recording("a", audio), 25)
    distance, confidence = lse(net, motion, log_mel(torch.from_numpy(audio)), face, 25)
    assert scores == {"lse_d": Score(distance, 250), "lse_c": Score(confidence, 250)}
    assert distance > 0 and confidence >= 0


def test_too_short_for_offsets_is_no_score(face):
    judge = sync_judge(_net(face, "evaluation"), face)
    assert judge(moving(torch.zeros(12)), Recording("a", np.zeros(8_000, np.float32)), 25) == {}
