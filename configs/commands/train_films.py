"""Add a speaking style to weights that is learned from films of speakers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.evaluation.evaluate import Evaluation, figures_table, measure, spoken
from audio2mesh.evaluation.options import MaterialOptions
from audio2mesh.evaluation.recordings import Material, Recording, load_material
from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.motion import Motion
from audio2mesh.model.options import SHIPPED
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.distributed import check_alone
from audio2mesh.training.film_options import TrainFilmsOptions
from audio2mesh.training.film_tuning import SPREADS, Film, Heard, check_tuning, film_of, hear, tune
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from common.errors import InputError
from common.network_files import training_record
from common.progress import progress_bar
from common.threads import use_threads
from common.writable import check_writable
from configs.commands.printing import keep_report, print_table


def main(options: TrainFilmsOptions) -> None:
    check_alone("train films")
    use_threads(options.threads)
    for path in filter(None, (options.out, options.report)):
        check_writable(path)
    if not (options.out or options.leave_one_out):
        raise InputError("name weights to write (--out) or ask for --leave-one-out")
    model, face = load_model(options.weights), face_geometry(load_head())
    check_tuning(model, options.tune)
    films, held = (_material(options, folders, face) for folders in (options.data, options.hold))
    data = TuningData(
        _films(model, films.recordings, face, SPREADS, options),
        _films(model, _solved(options, face), face, {}, options),
        _heard(model, held.recordings, options),
    )
    if options.leave_one_out:
        result = _leave_one_out(model, films, data, options)
        print_table(figures_table(result.medians(), "medians over the films"))
        keep_report(result.report(), options.report)
    if options.out:
        with progress_bar("tuning", options.tune.steps, "steps/s") as done:
            tuned = tune(model, *data, face, options.tune, done)
        save_model(tuned, options.out, _record(options, films.recordings, held.recordings))
        print(f"wrote {options.out}")


class TuningData(NamedTuple):
    """Films to tune to, solved films to keep, and recordings whose motion is to stay."""

    films: list[Film]
    solved: list[Film]
    held: list[Heard]


def _solved(options: TrainFilmsOptions, face: FaceGeometry) -> list[Recording]:
    return _material(options, options.solved, face).recordings if options.solved else []


def _material(options: TrainFilmsOptions, folders: Sequence[Path], face: FaceGeometry) -> Material:
    head = load_head()
    wanted = MaterialOptions(tuple(folders))
    found = load_material(wanted, face_units(head), face, head.topology)
    return replace(
        found, recordings=[r for r in found.recordings if not r.names & set(options.exclude)]
    )


def _heard(
    model: SpeechToMotion, recordings: Sequence[Recording], options: TrainFilmsOptions
) -> list[Heard]:
    found = []
    with progress_bar("listening", len(recordings)) as done:
        for recording in recordings:
            found.append(hear(model, recording, options.tune))
            done()
    return found


def _films(
    model: SpeechToMotion,
    recordings: Sequence[Recording],
    face: FaceGeometry,
    spreads: Mapping[str, float],
    options: TrainFilmsOptions,
) -> list[Film]:
    if lacking := [recording.name for recording in recordings if recording.clip is None]:
        raise InputError(f"{lacking[0]} has no motion; make clips with track-films")
    heard = _heard(model, recordings, options)
    return [film_of(model, r, one, face, spreads) for r, one in zip(recordings, heard, strict=True)]


def _leave_one_out(
    model: SpeechToMotion,
    material: Material,
    data: TuningData,
    options: TrainFilmsOptions,
) -> Evaluation:
    """The figures of each film under weights that were tuned to the others."""
    tuned: dict[str, SpeechToMotion] = {}
    with progress_bar("leaving out", len(data.films) * options.tune.steps, "steps/s") as done:
        for film in data.films:
            others = data._replace(films=[other for other in data.films if other is not film])
            tuned[film.heard.name] = tune(model, *others, material.face, options.tune, done)

    def left_out(recording: Recording, frames: int) -> Motion | None:
        return spoken(tuned[recording.name], model.fps, options.tune.style)(recording, frames)

    rows = {"before": spoken(model, model.fps, None), "left out": left_out}
    return measure(material, rows, model.fps, lambda *given: {})


def _record(
    options: TrainFilmsOptions, films: Sequence[Recording], held: Sequence[Recording]
) -> dict[str, Any]:
    """The record of training of the weights, with the styles learned from films."""
    with as_file(options.weights or files("audio2mesh").joinpath("weights", SHIPPED)) as path:
        before = training_record(path)
    record = {
        "tuned": asdict(options.tune),
        "films": [film.name for film in films],
        "held": [recording.name for recording in held],
    }
    taught = before.get("taught by films", {})
    return before | {"taught by films": taught | {options.tune.style: record}}
