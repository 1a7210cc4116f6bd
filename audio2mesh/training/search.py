"""A search over the weights of the losses: short trainings on the same encoded speech, logged."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.sources import TrainingData, load_sources, to_common_basis
from audio2mesh.evaluation.evaluate import measure
from audio2mesh.evaluation.measures import Figures, Judge
from audio2mesh.evaluation.recordings import Material, MaterialOptions, load_material
from audio2mesh.evaluation.rows import spoken
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.losses import LossWeights
from audio2mesh.training.run import CriticFactory, FitOptions, add_line, train
from common.device import pick_device
from common.errors import InputError

LOG = "search.jsonl"

JudgeFactory = Callable[[Material, float], Judge]
"""(recordings and their face, frames per second) → a judge of motion."""


@dataclass(frozen=True)
class Grid:
    sync: tuple[float, ...] = (0.0, 0.3, 1.0, 3.0)
    """Weights λ1 of the sync loss to try."""
    lipreading: tuple[float, ...] = (0.0,)
    """Weights λ2 of the lip-reading loss to try, each with each λ1."""
    drop: tuple[str, ...] = ()
    """Losses to leave out, one at a time, with the other weights as they are."""
    test: tuple[Path, ...] = ()
    """Folders of recordings to score each run on; by default the validation clips."""


def search(
    options: FitOptions,
    grid: Grid,
    units: FaceUnits,
    face: FaceGeometry,
    critics: Mapping[str, CriticFactory],
    judges: JudgeFactory,
) -> dict[str, Figures]:
    """Train and score every combination; returns the figures by the name of the run.

    Weights and the log go to the folder `options.out`. A run that the log has already is not made
    again, so an interrupted search continues. InputError where an option does not fit.
    """
    if (out := options.out) is None:
        raise InputError("--out is needed: a folder for the weights and the log of the search")
    options = replace(options, cache=options.cache or out / "cache")
    runs = dict(combinations(options.train.losses, grid))
    data = to_common_basis(load_sources(options, units, face, options.head))
    material = scored_material(options, grid, data, units, face)
    out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Figures] = {}
    for name, losses in runs.items():
        given = replace(options, train=replace(options.train, losses=losses))
        asked = {"run": name, "options": asdict(given.train), "data": data.record}
        if (done := logged(out / LOG, asked)) is None:
            print(f"run {name}")
            weights, device = out / f"{name}.safetensors", pick_device(options.device)
            train(given, weights, data, critics, device)
            done = {**asked, "figures": scored(load_model(weights, device), material, judges)}
            add_line(out / LOG, done)
        figures[name] = done["figures"]
    return figures


def scored_material(
    options: FitOptions, grid: Grid, data: TrainingData, units: FaceUnits, face: FaceGeometry
) -> Material:
    """The recordings that runs are scored on. InputError if there are none."""
    names = () if grid.test else tuple(clip.name for clip in data.held)
    if not (grid.test or names):
        raise InputError("there is nothing to score on: give --validation or --grid.test")
    chosen = MaterialOptions(
        grid.test or options.data, names, split="validation", regions=options.regions
    )
    return load_material(chosen, units, face, options.head)


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


def logged(log: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The line of a run with just these options, if the log has it."""
    if not log.exists():
        return None
    wanted = json.loads(json.dumps(asked))
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return next((e for e in entries if {k: e.get(k) for k in wanted} == wanted), None)
