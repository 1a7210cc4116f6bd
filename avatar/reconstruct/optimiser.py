"""Adam with a learning rate for each part of the Gaussians, and its state when they multiply."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Adam

from avatar.reconstruct.bound_gaussians import PARTS, BoundGaussians
from avatar.reconstruct.options import LearningRates

EPSILON = 1e-15  # gradients of single Gaussians are tiny


def start_adam(bound: BoundGaussians, rates: LearningRates) -> tuple[BoundGaussians, Adam]:
    """The Gaussians as parameters, and an optimiser of them with one group for each part."""
    parameters = {name: nn.Parameter(bound.parts[name].detach().clone()) for name in PARTS}
    groups = [{"params": [p], "lr": getattr(rates, n), "name": n} for n, p in parameters.items()]
    return BoundGaussians(parameters, bound.binding), Adam(groups, eps=EPSILON, fused=True)


def set_rates(adam: Adam, rates: LearningRates, progress: float) -> None:
    """Set the learning rates at `progress` in [0, 1] of the training."""
    for group in adam.param_groups:
        name = group["name"]
        share = rates.means_at_end if name == "means" else rates.others_at_end
        group["lr"] = getattr(rates, name) * share**progress


def regroup(
    adam: Adam,
    bound: BoundGaussians,  # the new one
    origin: Tensor,  # [N] row of the old ones that each new row comes from
    fresh: Tensor,  # [N] bool: starts without a past
    rates: LearningRates,
) -> tuple[BoundGaussians, Adam]:
    """The new Gaussians as parameters, with the optimiser's moments of the rows they come from."""
    old = moments(adam)
    new_bound, new_adam = start_adam(bound, rates)
    if old:
        carried = {
            name: {k: t if t.ndim == 0 else _carried(t, origin, fresh) for k, t in state.items()}
            for name, state in old.items()
        }
        set_moments(new_adam, carried)
    return new_bound, new_adam


def moments(adam: Adam) -> dict[str, dict[str, Tensor]]:
    """The state of each part that has one."""
    named = ((group["name"], adam.state.get(group["params"][0])) for group in adam.param_groups)
    return {name: dict(state) for name, state in named if state}


def kept(adam: Adam) -> dict[str, Tensor]:
    """The state of each part that has one, by adam.part.key."""
    states = moments(adam).items()
    return {f"adam.{name}.{key}": part for name, state in states for key, part in state.items()}


def put_back(adam: Adam, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `kept` gave, among others; parts that no step has touched have none."""
    begun = [name for name in PARTS if f"adam.{name}.step" in tensors]
    keys = ("step", "exp_avg", "exp_avg_sq")
    states = {name: {key: tensors[f"adam.{name}.{key}"] for key in keys} for name in begun}
    set_moments(adam, states)


def forget(adam: Adam, name: str) -> None:
    """Let a part start without a past."""
    for state in moments(adam)[name].values():
        state.zero_() if state.ndim else None


def set_moments(adam: Adam, states: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Put back what `moments` gave."""
    for group in adam.param_groups:
        if group["name"] in states:
            adam.state[group["params"][0]] = dict(states[group["name"]])


def _carried(tensor: Tensor, origin: Tensor, fresh: Tensor) -> Tensor:
    rows = tensor[origin]
    return torch.where(fresh.view(-1, *[1] * (rows.ndim - 1)), torch.zeros_like(rows), rows)
