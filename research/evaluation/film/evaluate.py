"""Films of any program against the true films of the same sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from avatar.geometry.vectors import Bools
from avatar.video.reader import film_info
from avatar.vision.follow import load_face_finder
from common.device import pick_device
from common.errors import InputError
from research.evaluation.figures import check_outputs
from research.evaluation.film.lips import (
    Interval,
    LipScores,
    compare,
    median_interval,
    medians,
    null_rows,
    r_intervals,
)
from research.evaluation.film.seen import FaceSeen, PictureScores, silent_frames, watch
from research.evaluation.options import FilmEvaluationOptions
from research.lipreading.videos import SUFFIXES

LONGER = 1.0  # seconds by which one of two films may be longer
FILMS = (*SUFFIXES, ".mpg")


@dataclass(frozen=True)
class Row:
    """A film, or the medians of many."""

    lips: LipScores
    picture: PictureScores | None  # None where there is no film of it
    intervals: Mapping[str, Interval]
    films: int = 1


def evaluate_films(options: FilmEvaluationOptions) -> dict[str, Row]:
    """Find the face in all films, and compare: rows by the film's name, then what chance gives,
    then the truth. Bad input raises InputError or OSError with one sentence."""
    pairs = film_pairs(options.film, options.truth)
    check_outputs(options.report)
    for film, truth in chain.from_iterable(pairs.values()):
        _check(film, truth)
    finder = load_face_finder(pick_device(options.device))
    truths: dict[Path, tuple[FaceSeen, Bools]] = {}  # with the frames in which nobody speaks
    rows, nulls = {}, []
    for name, films in pairs.items():
        measured = []
        for film, truth in films:
            if truth not in truths:
                seen = watch(truth, finder)
                truths[truth] = seen, silent_frames(truth, len(seen.lips), seen.lips.fps)
            ours, (true, silent) = watch(film, finder), truths[truth]
            intervals = r_intervals(ours.lips, true.lips)
            measured.append(Row(compare(ours.lips, true.lips, silent), ours.picture, intervals))
            nulls.append(null_rows(ours.lips, true.lips, silent))
        rows[name] = _pooled(measured)
    for name in ("shuffled", "mean mouth", "still"):
        if known := [each[name] for each in nulls if name in each]:
            rows[name] = Row(medians(known), None, {}, len(known))
    rows["truth"] = _pooled(
        [Row(compare(t.lips, t.lips, silent), t.picture, {}) for t, silent in truths.values()]
    )
    return rows


def film_pairs(films: Sequence[Path], truth: Path) -> dict[str, list[tuple[Path, Path]]]:
    """Each of the films, or of the folders of films, by its name, with the films to measure and the
    true film of each: `truth` itself, or the one of the same name in that folder."""
    if not films:
        raise InputError("--film: name at least one film")
    true = {path.stem: path for path in _films_in(truth)} if truth.is_dir() else {}
    found = {}
    for given in films:
        name = (str(given) if given.name in found else given.name) + "/" * given.is_dir()
        several = _films_in(given) if given.is_dir() else [given]
        if missing := [path for path in several if true and path.stem not in true]:
            raise InputError(f"{missing[0]}: {truth} has no film of that name to compare it with")
        found[name] = [(path, true.get(path.stem, truth)) for path in several]
    return found


def _films_in(folder: Path) -> list[Path]:
    films = sorted(path for path in folder.iterdir() if path.suffix.lower() in FILMS)
    if not films:
        raise InputError(f"{folder}: holds no films ({', '.join(FILMS)})")
    return films


def _check(film: Path, truth: Path) -> None:
    """Refuse what can be refused at once."""
    ours, true = film_info(film), film_info(truth)
    if true.sound_begin is None:
        raise InputError(
            f"{truth}: has no sound, which tells when nobody speaks; give the film with its sound"
        )
    if ours.seconds and true.seconds and abs(ours.seconds - true.seconds) > LONGER:
        raise InputError(
            f"{film}: lasts {ours.seconds:.1f} s, but {truth} {true.seconds:.1f} s; give films of "
            "the same sound"
        )


def _pooled(rows: Sequence[Row]) -> Row:
    """The row itself, or the medians of several with intervals over the films."""
    if len(rows) == 1:
        return rows[0]
    intervals = {
        name: median_interval([getattr(row.lips, name) for row in rows])
        for name in rows[0].intervals
    }
    pictures = [row.picture for row in rows if row.picture]
    return Row(medians([row.lips for row in rows]), medians(pictures), intervals, len(rows))
