"""From folders of recordings and weights to the rows of a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from audio2mesh.checkpoint import load_model
from audio2mesh.clips import Clip, FaceUnits, load_clips
from audio2mesh.evaluation.measures import Figures, Judge, row_figures
from audio2mesh.evaluation.recordings import Recording, load_recordings
from audio2mesh.evaluation.rows import Row, constant, mean_offsets, spoken, true
from audio2mesh.fit import Device, pick_device
from audio2mesh.losses import FaceGeometry
from audio2mesh.model import SpeechToMotion
from audio2mesh.motion import Motion
from audio2mesh.waveform import frame_count

TRUTH = "truth"


@dataclass(frozen=True)
class EvaluateOptions:
    """Measure speech-to-motion weights on recordings, with or without their true motion."""

    data: tuple[Path, ...]
    """Folders of recordings: <id>.flac (or .wav, ..); motion and phones, if known, in <id>.npz."""
    weights: Path | None = None
    """Weights file, row "weights"; by default the weights that ship."""
    compare: tuple[str, ...] = ()
    """Further rows, each as NAME=FILE of weights."""
    training: tuple[Path, ...] = ()
    """Folders of clips whose mean motion makes the row "mean"; those under test are left out."""
    still: bool = False
    """Add the row "still", a face that never moves."""
    clips: tuple[str, ...] = ()
    """Ids of the recordings to use; by default all of them."""
    style: str | None = None
    """Speaking style of the weights; by default the neutral one."""
    report: Path | None = None
    """JSON file to write the figures to."""
    plots: Path | None = None
    """Folder to write one picture for each recording to: lip opening over time."""
    head: Literal["anny-head"] = "anny-head"
    """Topology that the weights move."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it is."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of every row, and the motions that they belong to."""

    fps: float
    recordings: list[Recording]
    rows: dict[str, Figures]
    truth: Figures | None  # the true motion's own figures, where any recording has it
    clips: dict[str, dict[str, Figures]]  # row → recording → figures
    motions: dict[str, dict[str, Motion]]  # row → recording → motion, "truth" among the rows

    def report(self) -> dict[str, Any]:
        """What is written as JSON."""
        return {
            "rows": self.rows,
            "truth": self.truth,
            "clips": self.clips,
            "fps": self.fps,
            "recordings": {
                recording.name: {
                    "seconds": round(recording.seconds, 2),
                    "phones": len(recording.phones),
                    "origin": recording.clip.origin if recording.clip else None,
                }
                for recording in self.recordings
            },
        }


def evaluate(
    options: EvaluateOptions, units: FaceUnits, face: FaceGeometry, judge: Judge
) -> Evaluation:
    """Read, speak and measure.

    ValueError or FileNotFoundError with one sentence for folders, weights and names that are not
    as they should be, before anything long begins.
    """
    recordings = load_recordings(options.data, options.clips, units, face.rest)
    models = load_models(options, face)
    fps = float(next(iter(models.values())).fps)
    rows = {name: spoken(model, fps, options.style) for name, model in models.items()}
    if options.training:
        rows["mean"] = constant(mean_offsets(_training_clips(options, recordings, units, face)))
    if options.still:
        rows["still"] = constant(torch.zeros_like(face.rest))
    return measure(recordings, rows, face, fps, judge)


def measure(
    recordings: Sequence[Recording],
    rows: Mapping[str, Row],
    face: FaceGeometry,
    fps: float,
    judge: Judge,
) -> Evaluation:
    """The figures of some rows on some recordings."""
    found: dict[str, Figures] = {}
    clips: dict[str, dict[str, Figures]] = {}
    motions: dict[str, dict[str, Motion]] = {}
    for name, row in (TRUTH, true(fps)), *rows.items():
        with _progress(name, 2 * len(recordings)) as done:
            moved = {r.name: motion for r in recordings if (motion := _move(row, r, fps, done))}
            if not moved:
                continue
            judged = [r for r in recordings if r.name in moved]
            found[name], each = row_figures(judged, list(moved.values()), face, fps, judge, done)
        clips[name] = {r.name: values for r, values in zip(judged, each, strict=True)}
        motions[name] = moved
    truth = found.pop(TRUTH, None)
    return Evaluation(fps, list(recordings), found, truth, clips, motions)


def _training_clips(
    options: EvaluateOptions, tested: Sequence[Recording], units: FaceUnits, face: FaceGeometry
) -> list[Clip]:
    names = {recording.clip.name for recording in tested if recording.clip}
    found = [clip for folder in options.training for clip in load_clips(folder, units, face.rest)]
    if not (clips := [clip for clip in found if clip.name not in names]):
        raise ValueError("--training: all of its clips are under test, none is left for a mean")
    return clips


def load_models(options: EvaluateOptions, face: FaceGeometry) -> dict[str, SpeechToMotion]:
    """The weights of each row; ValueError for names that clash or weights of another head."""
    paths: dict[str, Path | None] = {"weights": options.weights}
    for item in options.compare:
        name, mark, path = item.partition("=")
        if not (name and mark and path):
            raise ValueError(
                f"--compare {item}: write NAME=FILE, a name for the row and its weights"
            )
        if name in paths or name in (TRUTH, "mean", "still"):
            raise ValueError(
                f"--compare {item}: there is a row {name} already; choose another name"
            )
        paths[name] = Path(path)
    device = pick_device(options.device)
    models = {name: load_model(path, device) for name, path in paths.items()}
    for name, model in models.items():
        if model.topology != options.head or model.vertex_count != len(face.rest):
            raise ValueError(
                f"{paths[name]}: these weights move {model.topology} "
                f"({model.vertex_count} vertices), not {options.head} ({len(face.rest)} vertices)"
            )
        model.style_index(options.style)
    return models


def _move(row: Row, recording: Recording, fps: float, done: Callable[[], None]) -> Motion | None:
    motion = row(recording, frame_count(len(recording.audio), fps))
    done()
    return motion


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Progress on stderr; yields a function to call once a step is done."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
