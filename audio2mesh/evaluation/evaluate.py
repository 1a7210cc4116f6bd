"""From folders of recordings and weights to the rows of a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audio2mesh.data import load_dataset
from audio2mesh.data.clips import Clip
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.evaluation.measures import Figures, Judge, medians, row_figures
from audio2mesh.evaluation.options import EvaluateOptions
from audio2mesh.evaluation.recordings import (
    Material,
    Recording,
    load_material,
)
from audio2mesh.evaluation.rows import OWN_STYLE, Row, constant, mean_offsets, spoken, true
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.sound.waveform import frame_count
from common.device import pick_device
from common.errors import InputError
from common.progress import progress_bar

TRUTH = "truth"


@dataclass(frozen=True)
class Evaluation:
    """The figures of every row, and the motions that they belong to."""

    fps: float
    material: Material
    rows: dict[str, Figures]
    truth: Figures | None  # the true motion's own figures, where any recording has it
    clips: dict[str, dict[str, Figures]]  # row → recording → figures
    motions: dict[str, dict[str, Motion]]  # row → recording → motion, "truth" among the rows

    def medians(self) -> dict[str, Figures]:
        """Row → of each figure the median over the recordings."""
        return {row: medians(list(each.values())) for row, each in self.clips.items()}

    def report(self) -> dict[str, Any]:
        """What is written as JSON."""
        return {
            "rows": self.rows,
            "truth": self.truth,
            "clips": self.clips,
            "medians": self.medians(),
            "fps": self.fps,
            "recordings": {
                recording.name: {
                    "seconds": round(recording.seconds, 2),
                    "phones": len(recording.phones),
                    "origin": recording.clip.origin if recording.clip else None,
                }
                for recording in self.material.recordings
            },
        }


def evaluate(
    options: EvaluateOptions,
    units: FaceUnits,
    face: FaceGeometry,
    topology: str,
    judges: Callable[[Material], Judge],
) -> Evaluation:
    """Read, speak and measure; `judges` makes the judge of the material.

    units, face, topology: those of the head that speech-motion clips move. InputError or
    FileNotFoundError with one sentence for folders, weights and names that are not as they should
    be, before anything long begins.
    """
    material = load_material(options, units, face, topology)
    judge = judges(material)
    models = load_models(options, material)
    fps = float(next(iter(models.values())).fps)
    rows = {name: spoken(model, fps, options.weights_style) for name, model in models.items()}
    if options.training:
        clips = _training_clips(options, material, units, face, topology)
        rows["mean"] = constant(mean_offsets(clips))
    if options.still:
        rows["still"] = constant(torch.zeros_like(material.face.rest))
    return measure(material, rows, fps, judge)


def measure(material: Material, rows: Mapping[str, Row], fps: float, judge: Judge) -> Evaluation:
    """The figures of some rows."""
    recordings, face = material.recordings, material.face
    found: dict[str, Figures] = {}
    clips: dict[str, dict[str, Figures]] = {}
    motions: dict[str, dict[str, Motion]] = {}
    for name, row in (TRUTH, true(fps)), *rows.items():
        with progress_bar(name, 2 * len(recordings), "steps/s") as done:
            moved = {r.name: motion for r in recordings if (motion := _move(row, r, fps, done))}
            if not moved:
                continue
            judged = [r for r in recordings if r.name in moved]
            found[name], each = row_figures(judged, list(moved.values()), face, fps, judge, done)
        clips[name] = {r.name: values for r, values in zip(judged, each, strict=True)}
        motions[name] = moved
    truth = found.pop(TRUTH, None)
    return Evaluation(fps, material, found, truth, clips, motions)


def _training_clips(
    options: EvaluateOptions,
    material: Material,
    units: FaceUnits,
    face: FaceGeometry,
    topology: str,
) -> list[Clip]:
    """Clips of the same topology that are trained on and not under test."""
    tested = {recording.clip.name for recording in material.recordings if recording.clip}
    found: list[Clip] = []
    for folder in options.training:
        dataset = load_dataset(folder, units, face, topology, options.regions)
        if dataset.topology != material.topology:
            raise InputError(
                f"{folder} has the topology {dataset.topology}, the data have {material.topology}"
            )
        usable = [clip for clip in dataset.clips if clip.split in (None, "train")]
        found += [clip for clip in usable if clip.name not in tested]
    if not found:
        raise InputError("--training: all of its clips are under test, none is left for a mean")
    return found


def load_models(options: EvaluateOptions, material: Material) -> dict[str, SpeechToMotion]:
    """The weights of each row; InputError for names that clash or weights of another head."""
    paths: dict[str, Path | None] = {"weights": options.weights}
    for item in options.compare:
        name, _, path = item.partition("=")
        if not (name and path):
            raise InputError(f"--compare {item}: write NAME=FILE, the row's name and its weights")
        if name in paths or name in (TRUTH, "mean", "still"):
            raise InputError(f"--compare {item}: there is a row {name} already, name it otherwise")
        paths[name] = Path(path)
    device = pick_device(options.device)
    models = {name: load_model(path, device) for name, path in paths.items()}
    for name, model in models.items():
        _check_topology(paths[name], model, material)
        if options.weights_style != OWN_STYLE:
            model.style_index(options.weights_style)
    return models


def _check_topology(path: Path | None, model: SpeechToMotion, material: Material) -> None:
    vertices = len(material.face.rest)
    if model.topology != material.topology or model.vertex_count != vertices:
        raise InputError(
            f"{path or 'the weights that ship'} move {model.topology} ({model.vertex_count} "
            f"vertices), but the data are of {material.topology} ({vertices} vertices)"
        )


def _move(row: Row, recording: Recording, fps: float, done: Callable[[], None]) -> Motion | None:
    motion = row(recording, frame_count(len(recording.audio), fps))
    done()
    return motion
