"""The networks answer what they answered when they were published, on any device."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import pytest
import torch
from heads_in_pictures import HEADS, answers, head
from other_device import on_cpu, other_device
from torch import Tensor
from torch.testing import assert_close

from avatar.vision.follow import faces_in_picture, follow_face, load_face_finder
from avatar.vision.landmarks import SCORES_POINTS, find_scores
from avatar.vision.mattes import find_mattes, load_matting
from avatar.vision.network import WEIGHTS, Name, Network, load_network
from common.claimed_folder import file_digest

INPUTS = {
    "face_detector": (128, 128, 3),
    "face_detector_full_range": (192, 192, 3),
    "face_landmarks": (256, 256, 3),
    "face_scores": (146, 2),
    "person": (256, 256, 3),
    "hair": (512, 512, 4),
}


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    return {name: load_network(name) for name in get_args(Name)}


@pytest.mark.parametrize("name", HEADS)
def test_points_and_scores_are_those_of_the_original(networks: dict[str, Network], name: str):
    wanted = {key: torch.from_numpy(value) for key, value in answers(name).items()}
    points, presence, _ = networks["face_landmarks"](head(name)[None])
    assert_close(points.reshape(478, 3), wanted["points"], atol=1e-3, rtol=0)
    assert_close(presence.flatten(), wanted["presence_logit"], atol=1e-4, rtol=0)
    (scores,) = networks["face_scores"](wanted["points"][None, list(SCORES_POINTS), :2])
    assert_close(scores.flatten(), wanted["scores"].flatten(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", HEADS)
def test_mattes_are_those_of_the_original(networks: dict[str, Network], name: str):
    wanted, picture = answers(name), head(name)[None]
    (person,) = networks["person"](picture)
    np.testing.assert_allclose(person[0, ::8, ::8, 0], wanted["person"], atol=1e-4)
    larger = picture.repeat_interleave(2, 1).repeat_interleave(2, 2)
    (hair,) = networks["hair"](torch.cat([larger, torch.zeros_like(larger[..., :1])], -1))
    wanted_hair = torch.from_numpy(wanted["hair"]).softmax(-1)
    wrong = (hair[0, ::16, ::16].softmax(-1) - wanted_hair).abs()
    # even ground makes ties in the pooling, which rounding decides: a few pixels differ by more
    assert wrong.mean() < 1e-4 and wrong.max() < 1e-2 and (wrong > 1e-4).float().mean() < 0.04


@pytest.mark.parametrize("name", HEADS)
def test_detections_are_those_of_the_original(networks: dict[str, Network], name: str):
    wanted, picture = answers(name), head(name)[None] * 2 - 1
    inputs = {"short": picture[:, ::2, ::2], "full": picture[:, 32:224, 32:224]}
    of_range = {"short": "face_detector", "full": "face_detector_full_range"}
    for key, given in inputs.items():
        places, logits = networks[of_range[key]](given)
        best = torch.from_numpy(wanted[f"{key}_best"])
        np.testing.assert_allclose(places[0, best], wanted[f"{key}_places"], atol=1e-3)
        np.testing.assert_allclose(logits[0, best, 0], wanted[f"{key}_logits"], atol=1e-3)


@pytest.mark.parametrize("name", get_args(Name))
def test_a_batch_is_its_pictures_one_by_one(networks: dict[str, Network], name: Name):
    several = torch.rand(2, *INPUTS[name], generator=torch.manual_seed(0))
    together = networks[name](several)
    alone = [networks[name](several[k : k + 1]) for k in range(len(several))]
    for k, output in enumerate(together):
        joined = torch.cat([outputs[k] for outputs in alone])
        assert_close(output, joined, atol=1e-4, rtol=1e-4)


def test_every_tensor_is_made_on_the_device_of_the_weights():
    picture = head("man")
    with other_device() as device:
        there = [on_cpu(tensor) for tensor in everything_seen(picture, device)]
    for found, wanted in zip(there, everything_seen(picture, "cpu"), strict=True):
        assert_close(found, wanted, atol=1e-3, rtol=1e-4)


def everything_seen(picture: Tensor, device: torch.device | str) -> list[Tensor]:
    """Points, scores and mattes of a picture, found on a device."""
    picture = picture.to(device)
    finder = load_face_finder(device)
    found = faces_in_picture(finder, picture, averaged=2)
    (followed,) = follow_face(finder, [on_cpu(picture * 255).byte().cpu().numpy()])
    assert followed.points is not None and len(found.points) == 1
    scores = find_scores(load_network("face_scores", device), found.points)
    mattes = find_mattes(load_matting(device), picture[None])
    return [found.points, found.presence, followed.points, scores, *mattes]


@pytest.mark.gpu
def test_cuda_sees_what_the_cpu_sees(cuda: torch.device):
    picture = head("man")
    for there, here in zip(
        everything_seen(picture, cuda), everything_seen(picture, "cpu"), strict=True
    ):
        assert_close(there.cpu(), here, atol=0.05, rtol=1e-2)


def test_the_shipped_files_are_those_of_the_notice():
    notice = (WEIGHTS / "NOTICE.md").read_text()
    assert all(file_digest(WEIGHTS / f"{name}.tflite") in notice for name in get_args(Name))


def test_nothing_is_said_on_stderr():
    program = "import torch; from avatar.vision.network import load_network as load; "
    program += "load('person')(torch.rand(1, 256, 256, 3))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not said.stderr + said.stdout


def test_threads_share_a_network(networks: dict[str, Network]):
    pictures = torch.rand(8, 1, 128, 128, 3, generator=torch.manual_seed(0))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(networks["face_detector"], pictures))
    for picture, found in zip(pictures, together, strict=True):
        assert_close(found, networks["face_detector"](picture))
