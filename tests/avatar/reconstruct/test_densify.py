import pytest
import torch
from captures import ring, tetrahedron

from avatar.reconstruct import densify as rules
from avatar.reconstruct.bound_gaussians import (
    BoundGaussians,
    bound_gaussians,
    raw_of,
    regroup,
    start_adam,
)
from avatar.reconstruct.densify import (
    allowed_at,
    choose,
    densify,
    last_of_face,
    multiply,
)
from avatar.rigging.binding import to_world, triangle_frames
from splat import RawGaussians, activate, render


def some(count: int = 40, seed: int = 0, size: float = 0.3) -> BoundGaussians:
    """Gaussians on a tetrahedron."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    raw = RawGaussians(
        means=0.3 * normal(count, 3),
        quats=normal(count, 4),
        log_scales=torch.log(torch.tensor(size)) + 0.3 * normal(count, 3),
        opacity_logits=normal(count),
        sh=normal(count, 1, 3),
    )
    return bound_gaussians(raw, torch.arange(count) % 4, 1)


def picture(of: BoundGaussians) -> torch.Tensor:
    mesh = tetrahedron()
    frames = triangle_frames(mesh.vertices, mesh.faces)
    world = to_world(activate(raw_of(of)), of.binding, frames)
    return render(world, ring(1, (64, 64))[0], with_depth=False).color


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is pruned."""
    monkeypatch.setattr(rules, "PRUNE_SIZE", 9)
    monkeypatch.setattr(rules, "PRUNE_OPACITY", 0)


def nobody(count: int) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.bool)


def test_clones_with_shared_opacity_look_like_their_original():
    before = some()
    change = multiply(before, ~nobody(40), ~nobody(40), nobody(40))
    assert len(change.bound) == 80
    twice = BoundGaussians(
        {n: t.repeat(2, *[1] * (t.ndim - 1)) for n, t in before.parts.items()},
        before.binding.repeat(2),
    )
    shared = (picture(change.bound) - picture(before)).abs().mean()
    assert shared < 0.25 * (picture(twice) - picture(before)).abs().mean()
    assert shared < 0.06 * picture(before).mean()


def test_clones_cover_what_one_covered_at_the_centre():
    logits = multiply(some(), ~nobody(40), ~nobody(40), nobody(40)).bound.parts["opacity_logits"]
    clear = (1 - torch.sigmoid(logits)).view(2, 40).prod(0)
    assert torch.allclose(1 - clear, torch.sigmoid(some().parts["opacity_logits"]), atol=1e-5)


def test_parts_look_like_the_whole():
    before = some(1, size=0.3)
    change = multiply(before, ~nobody(1), nobody(1), ~nobody(1))
    assert len(change.bound) == 2
    difference = (picture(change.bound) - picture(before)).abs().mean()
    assert difference < 0.25 * picture(before).mean()


def test_parts_keep_the_mean_and_the_variance_of_the_whole():
    before = some(1)
    parts = activate(raw_of(multiply(before, ~nobody(1), nobody(1), ~nobody(1)).bound))
    whole = activate(raw_of(before))
    axis = whole.scales[0].argmax()
    assert torch.allclose(parts.means.mean(0), whole.means[0], atol=1e-6)
    spread = (parts.means[0] - whole.means[0]).square().sum() + parts.scales[0, axis] ** 2
    assert torch.allclose(spread, whole.scales[0, axis] ** 2, rtol=1e-5)


def test_children_stay_on_the_triangle_of_their_parent():
    before = some()
    split = torch.arange(40) < 10
    change = multiply(before, ~nobody(40), torch.arange(40) >= 30, split)
    assert torch.equal(change.bound.binding, before.binding[change.origin])
    assert int(change.fresh.sum()) == 10 + 20
    assert not split[change.origin[~change.fresh]].any()


def test_no_face_loses_its_last_gaussian(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "PRUNE_SIZE", 9)
    before = some()
    parts = {**before.parts, "opacity_logits": torch.full((40,), -9.0)}
    parts["opacity_logits"][8] = -8.0  # the most opaque on triangle 0
    faint = BoundGaussians(parts, before.binding)
    after = densify(faint, torch.zeros(40), 40, tetrahedron())
    assert sorted(after.bound.binding.tolist()) == [0, 1, 2, 3]
    assert 8 in after.origin.tolist()


def test_the_last_is_only_kept_where_all_are_useless():
    useless = torch.tensor([True, True, True, False])
    last = last_of_face(useless, torch.tensor([0.1, 0.3, 0.2, 0.9]), torch.tensor([0, 0, 1, 1]))
    assert last.tolist() == [False, True, False, False]


@pytest.mark.parametrize("budget", [0, 1, 7, 23, 1000])
def test_the_budget_is_never_exceeded(budget: int, keeping: None):
    before = some()
    gradients = torch.rand(40, generator=torch.Generator().manual_seed(1))
    chosen = choose(gradients, before.binding, 4, budget)
    assert int(chosen.sum()) <= budget
    after = densify(before, gradients, 40 + budget, tetrahedron())
    assert len(after.bound) > 40 or budget < 4
    assert len(after.bound) <= 40 + budget


def test_faces_where_the_picture_pulls_more_get_more():
    binding = torch.arange(400) % 4
    gradients = torch.rand(400, generator=torch.Generator().manual_seed(2)) + 0.1
    gradients[binding == 2] *= 5
    chosen = choose(gradients, binding, 4, 80)
    by_face = torch.bincount(binding[chosen], minlength=4)
    expected = torch.zeros(4).index_add(0, binding, gradients) / gradients.sum() * 80
    assert (by_face - expected).abs().max() <= 1
    on_face = gradients[binding == 2]
    assert gradients[chosen & (binding == 2)].min() >= on_face.sort().values[-int(by_face[2])]


@pytest.mark.parametrize(("steepness", "multiply"), [(0.5, False), (2.0, True)])
def test_gaussians_below_the_threshold_do_not_multiply(
    steepness: float, multiply: bool, keeping: None
):
    steep = torch.full((40,), steepness * rules.THRESHOLD)
    after = densify(some(), steep, 80, tetrahedron())
    assert (len(after.bound) > 40) == multiply


def test_the_optimiser_remembers_old_rows_and_starts_new_ones_at_nothing():
    parameters, adam = start_adam(some())
    for tensor in parameters.parts.values():
        tensor.grad = torch.rand_like(tensor)
    adam.step()
    before = adam.state[parameters.parts["means"]]["exp_avg"].clone()
    change = multiply(parameters, ~nobody(40), torch.arange(40) < 5, torch.arange(40) >= 30)
    new, after = regroup(adam, change.bound, change.origin, change.fresh)
    state = after.state[new.parts["means"]]
    carried = state["exp_avg"]
    assert torch.equal(carried[~change.fresh], before[change.origin[~change.fresh]])
    assert (carried[change.fresh] == 0).all()
    assert state["step"] == 1


def test_the_budget_is_spent_evenly():
    first, last = rules.FIRST, rules.LAST
    middle = (first + last) / 2
    allowed = [allowed_at(p, 100, 300) for p in (0, first, middle, last, 1)]
    assert allowed == [100, 100, 200, 300, 300]
