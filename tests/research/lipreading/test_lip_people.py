import numpy as np
import pytest
import torch
from lip_reels import plain_person

from audio2mesh.data.phones import Phone
from audio2mesh.model.motion import Motion
from avatar.heads import load_head
from research.corpus.articulation import articulate
from research.lipreading.layer import GREY, KINDS
from research.lipreading.mouth_view import MouthView
from research.lipreading.people import (
    Look,
    arkit_units,
    random_person,
    spoken_motion,
    unsteady,
)
from research.lipreading.quick_render import quick_mouth_renderer
from research.lipreading.render import layer_of, mouth_renderer
from research.lipreading.windows import mouth_shape

HEAD = load_head()
LAYER = layer_of(HEAD, torch.device("cpu"))
SAID = (Phone("SIL", 0.0, 0.2), Phone("M", 0.2, 0.3), Phone("AA", 0.3, 0.5), Phone("SIL", 0.5, 0.8))
OPEN = HEAD.vertices + HEAD.express({"jawOpen": 0.6, "mouthLowerDownLeft": 0.3})


def quick(vertices: torch.Tensor, view: MouthView, look: Look | None = None) -> torch.Tensor:
    chosen = [look] if look else []
    draw = quick_mouth_renderer(HEAD, view, *chosen)
    return torch.from_numpy(draw(vertices[None, LAYER.vertices]))[0].float() / 255


def test_the_plain_person_speaks_as_the_articulation_model_says():
    motion = spoken_motion(plain_person(HEAD), SAID, 50)
    wanted = torch.from_numpy(articulate(SAID, 0.8, 50))
    assert torch.equal(motion.basis, arkit_units(HEAD))
    assert torch.equal(motion.coefficients, wanted)


def test_people_follow_from_their_seed_and_differ():
    one, same, other = (random_person(HEAD, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.head.vertices, same.head.vertices)
    assert torch.equal(one.habits.target, same.habits.target)
    assert (one.head.vertices - other.head.vertices).norm(dim=-1).max() > 0.003
    assert not torch.equal(one.look.greys, other.look.greys)


def test_everybody_shuts_the_mouth_on_m():
    for seed in range(5):
        person = random_person(HEAD, np.random.default_rng(seed))
        motion = spoken_motion(person, SAID, 100)
        gap = (mouth_shape(motion, HEAD)[:, 3] - mouth_shape(motion, HEAD)[:, 5]).numpy()
        assert gap[25] < gap[38] - 2  # inner upper above inner lower lip, millimetres


def test_a_head_slips_as_a_whole():
    moved = unsteady(HEAD.vertices.expand(50, -1, -1), HEAD, 25, np.random.default_rng(0))
    apart = (moved[:, 100] - moved[:, 4000]).norm(dim=-1)
    assert apart.std() / apart.mean() < 1e-3
    assert 1e-4 < (moved - moved.mean(0)).norm(dim=-1).mean() < 1e-2


@pytest.mark.parametrize("view", [MouthView(), MouthView(15.0, -6.0, 0.5, light=(-40.0, 20.0))])
@pytest.mark.parametrize("vertices", [HEAD.vertices, OPEN])
def test_the_quick_picture_is_the_slow_one(vertices: torch.Tensor, view: MouthView):
    look = Look(torch.tensor([0.5, 0.4, 0.2, 0.5, 0.9, 0.4]), gloss=0.5, blotches=0.1)
    with torch.no_grad():
        slow = mouth_renderer(HEAD, view=view, look=look)(vertices[None])[0]
    fast = quick(vertices, view, look)
    assert torch.corrcoef(torch.stack([slow.flatten(), fast.flatten()]))[0, 1] > 0.9
    assert (slow - fast).abs().mean() < 0.04


def test_skin_is_painted_as_the_look_says():
    dark = torch.tensor([0.3 if kind == "skin" else GREY[kind] for kind in KINDS])
    bright, darker = (
        quick(HEAD.vertices, MouthView(), Look(greys, gloss=0.0))[50:60, 10:20]
        for greys in (torch.tensor(list(GREY.values())), dark)
    )
    assert darker.mean() == pytest.approx(float(bright.mean()) * 0.3 / GREY["skin"], rel=0.03)


def test_measures_are_millimetres_and_survive_a_mirror():
    left, right = (HEAD.unit(f"mouthStretch{side}") for side in ("Left", "Right"))
    units = torch.stack([HEAD.unit("jawOpen"), HEAD.unit("mouthPucker"), left, right])
    poses = Motion(torch.cat([torch.zeros(1, 4), torch.eye(4)]), units)
    rest, opened, pucker, left_side, right_side = mouth_shape(poses, HEAD)
    assert rest.abs().max() == 0
    assert opened[3] - opened[5] > 15  # inner lips part
    assert pucker[0] < -2  # corners come in
    assert left_side[0] > 1
    assert torch.allclose(left_side, right_side, atol=0.25)
