"""A search over the weights of the losses: short trainings on the same encoded speech, logged."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import torch

from audio2mesh.data.sources import TrainingData
from audio2mesh.evaluation.evaluate import measure
from audio2mesh.evaluation.measures import Figures, Judge
from audio2mesh.evaluation.recordings import Material
from audio2mesh.evaluation.rows import spoken
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.log import add_line, reopen_log
from audio2mesh.training.options import FitOptions, Grid, LossWeights
from audio2mesh.training.run import CriticFactory, fit
from common.errors import InputError
from common.training_loop import course

LOG = "search.jsonl"

JudgeFactory = Callable[[Material, float], Judge]
"""(recordings and their face, frames per second) → a judge of motion."""


def search(
    options: FitOptions,
    grid: Grid,
    out: Path,
    data: TrainingData,
    material: Material,
    critics: Mapping[str, CriticFactory],
    judges: JudgeFactory,
    device: torch.device,
) -> dict[str, Figures]:
    """Train and score every combination; returns the figures by the name of the run.

    Weights and the log go to the folder `out`. A run that the log has already is not made again, so
    an interrupted search continues. material: what runs are scored on. InputError where an option
    does not fit.
    """
    options = replace(options, cache=options.cache or out / "cache")
    runs = dict(combinations(options.train.losses, grid))
    out.mkdir(parents=True, exist_ok=True)
    logged = reopen_log(out / LOG)
    figures: dict[str, Figures] = {}
    for name, losses in runs.items():
        given = replace(options, train=replace(options.train, losses=losses))
        asked = {"run": name, "options": course(given.train), "data": data.record}
        if (done := found(logged, asked)) is None:
            print(f"run {name}")
            weights = out / f"{name}.safetensors"
            fit(given, weights, data, critics, device)
            done = {**asked, "figures": scored(load_model(weights, device), material, judges)}
            add_line(out / LOG, done)
        figures[name] = done["figures"]
    return figures


def scored(model: SpeechToMotion, material: Material, judges: JudgeFactory) -> Figures:
    """The figures of weights, spoken in the neutral style."""
    rows = {"run": spoken(model, model.fps, None)}
    return measure(material, rows, model.fps, judges(material, model.fps)).rows["run"]


def combinations(base: LossWeights, grid: Grid) -> Iterator[tuple[str, LossWeights]]:
    """Every run by its name. InputError if `drop` names no loss."""
    for sync, lipreading in product(grid.sync, grid.lipreading):
        losses = replace(base, sync=sync, lipreading=lipreading)
        yield f"sync-{sync:g}-lipreading-{lipreading:g}", losses
    for name in grid.drop:
        if name not in asdict(base):
            known = ", ".join(asdict(base))
            raise InputError(f"--grid.drop {name}: there is no such loss; there are {known}")
        yield f"without-{name}", replace(base, **{name: 0.0})


def found(logged: Sequence[dict[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The line of a run with just these options, if the log has it."""
    wanted = json.loads(json.dumps(asked))
    return next((e for e in logged if {k: e.get(k) for k in wanted} == wanted), None)
