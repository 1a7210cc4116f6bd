"""Steps of AdamW for any task, with the running average of the weights, and a log of one JSON
object per line."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from audio2mesh.training.distributed import (
    average_gradients,
    average_running_statistics,
    rank,
    take_from_first,
)
from audio2mesh.training.options import StepOptions
from common.atomic import write_beside
from common.json_files import parse_json
from common.training_loop import (
    Look,
    losses_in_words,
    optimiser_tensors,
    run_steps,
    schedule,
    set_optimiser,
    take_up,
    under,
)


def step_log(out: Path, step: int, scores: Callable[[], Mapping[str, Any]]) -> Look:
    """What logs the losses of steps beside the file `out`, and `scores` whenever a run is kept.

    step: where the run begins; of an earlier try the log keeps what came before that.
    """
    log = out.with_name(f"{out.name}.log.jsonl")
    whole, _, _ = log.read_text().rpartition("\n") if log.exists() else ("", "", "")
    lines = enumerate(whole.splitlines(), 1)  # without a torn last one
    entries = [parse_json(line, f"{log}, line {number}") for number, line in lines]
    with write_beside(log) as partial:
        kept = [json.dumps(entry) + "\n" for entry in entries if entry["step"] <= step]
        partial.write_text("".join(kept))

    def look(step: int, losses: dict[str, float], saved: bool) -> str:
        entry = {"step": step, **losses, **({"scores": scores()} if saved else {})}
        with log.open("a") as lines:
            lines.write(json.dumps(entry) + "\n")
        return losses_in_words(step, losses, saved)

    return look


class Task(Protocol):
    """What is learned; all that is random in it follows from the step."""

    @property
    def net(self) -> nn.Module: ...

    def prepare(self, step: int) -> None:
        """Make ready what a step needs; may be broken off anywhere."""
        ...

    def losses(self, step: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """What the step minimises, and its terms by name."""
        ...


Learned = TypeVar("Learned", bound=Task)


class Trainer(Generic[Learned]):
    """A task in training, as `common.training_loop` runs it.

    kept: further tensors of the task that change, in place. half: whether gradients are those of
    half-precision computations, which must be scaled. clip: largest norm of the gradients.
    """

    def __init__(
        self,
        task: Learned,
        options: StepOptions,
        kept: Mapping[str, Tensor] | None = None,
        half: bool = False,
        clip: float = 1.0,
    ) -> None:
        self.task, self.net, self.options, self.clip = task, task.net, options, clip
        self.kept = dict(kept or {})
        take_from_first(self.net.state_dict().values())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.scaler = torch.amp.GradScaler(next(self.net.parameters()).device.type, enabled=half)
        self.average = {n: t.detach().clone() for n, t in self.net.state_dict().items()}
        self.step = 0

    def prepare(self) -> None:
        self.task.prepare(self.step)

    def train_step(self) -> dict[str, Tensor]:
        """One step; returns its losses, those of this process's share of the batch."""
        torch.manual_seed((self.options.seed * 1_000_003 + self.step) * 64 + rank())
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options.steps)
        self.net.train()
        loss, terms = self.task.losses(self.step)
        self.optimiser.zero_grad()
        self.scaler.scale(loss).backward()
        average_gradients(self.net.parameters())
        average_running_statistics(self.net)
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self._update_average()
        self.step += 1
        return {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}

    def use_average(self) -> None:
        """Put the averaged weights into the network, for use."""
        self.net.load_state_dict(self.average)
        self.net.eval()

    @contextmanager
    def average_in_use(self) -> Iterator[None]:
        """The same for a while."""
        current = {n: t.detach().clone() for n, t in self.net.state_dict().items()}
        self.use_average()
        yield
        self.net.load_state_dict(current)

    def state(self) -> dict[str, Tensor]:
        """Everything that changes but the step."""
        tensors = {f"net.{n}": t for n, t in self.net.state_dict().items()}
        tensors |= {f"average.{n}": t for n, t in self.average.items()}
        tensors |= {f"kept.{n}": t for n, t in self.kept.items()}
        tensors |= {f"scaler.{n}": torch.tensor(v) for n, v in self.scaler.state_dict().items()}
        return tensors | optimiser_tensors(self.optimiser)

    def set_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.net.load_state_dict(under(tensors, "net."))
        for name, tensor in under(tensors, "average.").items():
            self.average[name].copy_(tensor)
        for name, tensor in under(tensors, "kept.").items():
            self.kept[name].copy_(tensor)
        if scaler := {n: t.item() for n, t in under(tensors, "scaler.").items()}:
            self.scaler.load_state_dict(scaler)
        set_optimiser(self.optimiser, tensors)

    def _update_average(self) -> None:
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.net.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)


def train(
    trainer: Trainer[Any],
    out: Path,
    record: Mapping[str, Any],
    scores: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """Make all steps that remain of the run behind the file `out`, and use the averaged weights.

    record: what the course of the run follows from; scores: what is logged whenever it is kept. Of
    several processes only the first one shows and keeps the run.
    """
    identity, leads, options = json.dumps(record), rank() == 0, trainer.options
    take_up(trainer, out, identity)
    look = step_log(out, trainer.step, scores) if leads else losses_in_words
    run_steps(trainer, options.steps, out, identity, options.save_every, look, leads)
    trainer.use_average()
