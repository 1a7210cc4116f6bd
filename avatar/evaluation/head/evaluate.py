"""Heads that driving makes, recorded ones and tracked ones, on the same card."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from avatar.evaluation.head.card import BY_NAME, Card, Performed, card, medians, takes_apart
from avatar.evaluation.head.options import HeadEvaluationOptions
from avatar.evaluation.head.performances import made, prosody_of_file, recorded, tracked
from avatar.evaluation.head.plots import write_plot
from avatar.face.life import Behaviour
from avatar.face.manner import MANNERS, Style
from common.errors import InputError
from common.progress import progress_bar
from common.writable import check_writable

TAKES = 2  # that are compared


@dataclass(frozen=True)
class Column:
    """One kind of head."""

    title: str
    style: str  # whose bands are meant
    cards: dict[str, Card]  # of each performance, by its name

    @property
    def card(self) -> Card:
        """Medians over the performances."""
        return medians([*self.cards.values()])

    @property
    def outside(self) -> list[str]:
        """The rows whose median lies in no band of people's."""
        found = []
        for name, figure in self.card.items():
            band = BY_NAME[name].band(self.style)
            if band and isfinite(figure) and not band[0] <= figure <= band[1]:
                found.append(name)
        return found


@dataclass(frozen=True)
class HeadEvaluation:
    columns: list[Column]

    def report(self) -> dict[str, Any]:
        """Figures by their names, for a file; those that are none are left out."""
        return {
            column.title: {
                "median": _told(column.card),
                "outside": column.outside,
                "each": {name: _told(found) for name, found in column.cards.items()},
            }
            for column in self.columns
        }


def evaluate_head(options: HeadEvaluationOptions) -> HeadEvaluation:
    """Measure everything that the options name.

    Bad input raises InputError or OSError with one sentence.
    """
    if options.sound and len(options.sound) != len(options.motion):
        raise InputError("--sound: name as many as after --motion, in the same order")
    if options.report:
        check_writable(options.report)
    if options.plots:
        options.plots.mkdir(parents=True, exist_ok=True)
    columns = _spoken(options)
    sounds = options.sound or (None,) * len(options.motion)
    for path, sound in zip(options.motion, sounds, strict=True):
        performed = recorded(path, sound)
        _plot(options, performed, performed.name)
        columns.append(Column(path.stem, "speaker", {path.stem: card(performed)}))
    if options.poses:
        cards = {path.stem: card(tracked(path)) for path in options.poses}
        columns.append(Column("tracked heads", "speaker", cards))
    if not columns:
        raise InputError("nothing to measure: give --audio, --motion or --poses")
    return HeadEvaluation(columns)


def _spoken(options: HeadEvaluationOptions) -> list[Column]:
    """A column for each style, over all recordings."""
    cards: dict[Style, dict[str, Card]] = {style: {} for style in options.style}
    before: dict[Style, Performed] = {}
    with progress_bar("performing", len(options.audio) * len(options.style)) as show:
        for number, path in enumerate(options.audio):
            prosody, name = prosody_of_file(path), f"{path.stem}"
            for place, style in enumerate(options.style):
                manner = MANNERS[style]
                takes = [
                    made(name, prosody, Behaviour(manner, take), options.live)
                    for take in range(TAKES)
                ]
                cards[style][str(path)] = card(takes[0])
                strange = before.get(style)
                if strange is not None:
                    apart = takes_apart(takes[0], takes[1], strange)
                    cards[style][str(path)]["takes_apart"] = apart
                before[style] = takes[1]
                _plot(options, takes[0], f"{name}_{style}")
                show(number * len(options.style) + place + 1)
    return [Column(style, style, found) for style, found in cards.items() if found]


def _plot(options: HeadEvaluationOptions, performed: Performed, name: str) -> None:
    if options.plots and performed.prosody is not None:
        write_plot(options.plots / f"{name}.png", performed)


def _told(found: Card) -> dict[str, float]:
    return {name: round(float(v), 4) for name, v in found.items() if np.isfinite(v)}
