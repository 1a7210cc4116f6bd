"""Evaluate weights on folders of recordings: the rows of the table, their motion, the table on the
terminal and the report on disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.clips import Clip
from audio2mesh.data.dataset import load_dataset
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.model.baseline import LONGEST, AutoregressiveDecoder
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.motion import Motion, sample_curves
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import frame_count
from common.device import pick_device
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.options import SpeechEvaluationOptions
from research.evaluation.speech.measures import MEASURES, Figures, Judge, medians, row_figures
from research.evaluation.speech.recordings import Material, Recording, load_material

Row = Callable[[Recording, int], Motion | None]
"""A recording and a count F → motion [F, ..] at the table's frame rate; None: it has none."""


OWN_STYLE = "own"
"""Each recording in the style that it names, where the weights know it, else in the neutral one."""


def spoken(model: SpeechToMotion, fps: float, style: str | None) -> Row:
    """What weights make of the sound in a speaking style, by default the neutral one."""

    def speak(recording: Recording, frames: int) -> Motion:
        named = style
        if style == OWN_STYLE:
            own = recording.clip.style if recording.clip else None
            named = own if own in model.styles else None
        if isinstance(model.decoder, AutoregressiveDecoder):
            coefficients = in_pieces(model, recording.audio, fps, named)
        else:
            coefficients = torch.cat([*stream_coefficients(model, [recording.audio], fps, named)])
        assert len(coefficients) == frames, (len(coefficients), frames)
        return Motion(coefficients.cpu(), model.basis.cpu())

    return speak


@torch.no_grad()
def in_pieces(
    model: SpeechToMotion,
    audio: np.ndarray,
    fps: float,
    style: str | None,
    longest: int = LONGEST,
) -> Tensor:
    """Coefficients [F, K] of audio [S], made in pieces of `longest` frames, one after another.

    What FaceFormer's users do beyond its 600 frames; the seams are left as they are. A short last
    piece is followed by silence, up to the length of a training window.
    """
    device, frame = model.basis.device, SAMPLE_RATE // model.fps
    samples = longest * frame
    frames = frame_count(len(audio), model.fps)
    row = torch.tensor([model.style_index(style)], device=device)
    pieces = []
    for start in range(0, len(audio), samples):
        piece = torch.from_numpy(audio[start : start + samples])
        whole = max(model.window_samples, -(-len(piece) // frame) * frame)
        padded = functional.pad(piece, (0, whole - len(piece)))
        made = model.decode(model.raw_features(padded[None].to(device)), row)[0]
        pieces.append(made[: min(longest, frames - len(pieces) * longest)])
    positions = (torch.arange(frame_count(len(audio), fps)) + 0.5) * (model.fps / fps) - 0.5
    return sample_curves(torch.cat(pieces), positions.to(device))


def true(fps: float) -> Row:
    """The recordings' own motion."""
    return lambda recording, frames: recording.truth(fps, frames)


def constant(offsets: Tensor) -> Row:
    """A face with the same offsets [V, 3] in every frame."""
    return lambda recording, frames: Motion(torch.ones(frames, 1), offsets[None])


def mean_offsets(clips: Sequence[Clip]) -> Tensor:
    """Mean offsets [V, 3] over all frames of some clips."""
    means = [clip.motion.coefficients.mean(0) @ clip.motion.basis.flatten(1) for clip in clips]
    frames = torch.tensor([float(len(clip.motion.coefficients)) for clip in clips])
    return (torch.stack(means) * (frames / frames.sum())[:, None]).sum(0).unflatten(0, (-1, 3))


TRUTH = "truth"


@dataclass(frozen=True)
class Evaluation:
    """The figures of every row."""

    fps: float
    material: Material
    rows: dict[str, Figures]
    truth: Figures | None  # the true motion's own figures, where any recording has it
    clips: dict[str, dict[str, Figures]]  # row → recording → figures, "truth" among the rows

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
    options: SpeechEvaluationOptions,
    own: tuple[FaceUnits, FaceGeometry, str],
    judges: Callable[[Material], Judge],
) -> Evaluation:
    """Read, speak and measure; `judges` makes the judge of the material.

    own: units, geometry and topology of the head that speech-motion clips move. InputError or
    FileNotFoundError with one sentence for folders, weights and names that are not as they should
    be, before anything long begins.
    """
    material = load_material(options, *own)
    judge = judges(material)
    models = load_models(options, material)
    fps = float(next(iter(models.values())).fps)
    rows = {name: spoken(model, fps, options.weights_style) for name, model in models.items()}
    if options.training:
        rows["mean"] = constant(mean_offsets(_training_clips(options, material, own)))
    if options.still:
        rows["still"] = constant(torch.zeros_like(material.face.rest))
    return measure(material, rows, fps, judge)


def measure(material: Material, rows: Mapping[str, Row], fps: float, judge: Judge) -> Evaluation:
    """The figures of some rows."""
    recordings, face = material.recordings, material.face
    found: dict[str, Figures] = {}
    clips: dict[str, dict[str, Figures]] = {}
    for name, row in (TRUTH, true(fps)), *rows.items():
        with progress_bar(name, 2 * len(recordings), "steps/s") as done:
            moved: list[tuple[Recording, Motion]] = []
            for recording in recordings:
                motion = row(recording, frame_count(len(recording.audio), fps))
                moved += [(recording, motion)] if motion else []
                done()
            if not moved:
                continue
            judged, made = zip(*moved, strict=True)
            found[name], each = row_figures(judged, made, face, fps, judge, done)
        clips[name] = {r.name: values for r, values in zip(judged, each, strict=True)}
    return Evaluation(fps, material, found, found.pop(TRUTH, None), clips)


def _training_clips(
    options: SpeechEvaluationOptions,
    material: Material,
    own: tuple[FaceUnits, FaceGeometry, str],
) -> list[Clip]:
    """Clips of the same topology that are trained on and not under test."""
    tested = {recording.clip.name for recording in material.recordings if recording.clip}
    found: list[Clip] = []
    for folder in options.training:
        dataset = load_dataset(folder, *own)
        if dataset.topology != material.topology:
            raise InputError(
                f"{folder} has the topology {dataset.topology}, the data have {material.topology}"
            )
        usable = [clip for clip in dataset.clips if clip.split in (None, "train")]
        found += [clip for clip in usable if clip.name not in tested]
    if not found:
        raise InputError("--training: all of its clips are under test, none is left for a mean")
    return found


def load_models(options: SpeechEvaluationOptions, material: Material) -> dict[str, SpeechToMotion]:
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


_RATES = {"closure_mbp", "contact_fv", "open_vowels", "rounding", "pause_closure", "per", "wer"}
_RATES |= {"closures_agreed", "closures_called", "closures_uncalled", "closures_false"}


def figures_table(rows: Mapping[str, Figures], title: str) -> Table:
    """A line for each measure that some row has, a column for each row."""
    table = Table("measure", title=title)
    for name in rows:
        table.add_column(name, justify="right", no_wrap=True)
    for key, meaning in MEASURES.items():
        values = [row[key] for row in rows.values()]
        if any(value is not None for value in values):
            table.add_row(meaning, *(_cell(key, value) for value in values))
    return table


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    if key in _RATES:
        return f"{100 * value:.1f} %"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
