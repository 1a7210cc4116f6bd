"""Measure generated and recorded head motion with the same figures."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from audio2mesh.pose_vae.fit import load_pose_net
from audio2mesh.pose_vae.network import PoseNet
from audio2mesh.prosody.listener import prosody_of_file
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.style import STYLES, Style
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.figures import check_outputs
from research.evaluation.head.card import BY_NAME, Card, Performed, card, medians, takes_apart
from research.evaluation.head.performances import listened, made, recorded
from research.evaluation.options import HeadEvaluationOptions

TAKES = 2  # that are compared


@dataclass(frozen=True)
class Column:
    """One kind of head."""

    title: str
    style: str  # whose ranges apply
    cards: dict[str, Card]  # of each performance, by its name

    @property
    def card(self) -> Card:
        """Medians over the performances."""
        return medians([*self.cards.values()])

    @property
    def outside(self) -> list[str]:
        """The rows whose median is outside the range of people."""
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
                "median": _finite(column.card),
                "outside": column.outside,
                "each": {name: _finite(found) for name, found in column.cards.items()},
            }
            for column in self.columns
        }


def evaluate_head(options: HeadEvaluationOptions) -> HeadEvaluation:
    """Measure everything that the options name.

    Bad input raises InputError or OSError with one sentence.
    """
    if options.sound and len(options.sound) != len(options.motion):
        raise InputError("--sound: name as many as after --motion, in the same order")
    check_outputs(options.report)
    columns = _spoken_columns(options) + _listening_columns(options)
    sounds = options.sound or (None,) * len(options.motion)
    for path, sound in zip(options.motion, sounds, strict=True):
        columns.append(Column(path.stem, "speaker", {path.stem: card(recorded(path, sound))}))
    if not columns:
        raise InputError("nothing to measure: give --audio, --listen or --motion")
    return HeadEvaluation(columns)


def _spoken_columns(options: HeadEvaluationOptions) -> list[Column]:
    """A column for each style, and one for heads that a network moves, over all recordings."""
    kinds: list[tuple[str, Style, PoseNet | None]] = [
        (style, style, None) for style in options.style
    ]
    if options.head_weights:
        kinds.append(("learned", "speaker", load_pose_net(options.head_weights)))
    columns = [Column(title, style, {}) for title, style, _ in kinds]
    before: dict[int, Performed] = {}
    with progress_bar("performing", len(options.audio) * len(kinds)) as done:
        for path in options.audio:
            prosody = prosody_of_file(path)
            for k, (_, style, net) in enumerate(kinds):
                behaviours = [Behaviour(STYLES[style], take) for take in range(TAKES)]
                one, other = (made(path.stem, prosody, b, options.live, net) for b in behaviours)
                found = card(one)
                if k in before:
                    found["takes_apart"] = takes_apart(one, other, before[k])
                columns[k].cards[str(path)], before[k] = found, other
                done()
    return [column for column in columns if column.cards]


def _listening_columns(options: HeadEvaluationOptions) -> list[Column]:
    """One column, over all recordings that are listened to, in two takes each."""
    cards: dict[str, Card] = {}
    for path in options.listen:
        prosody = prosody_of_file(path)
        for take in range(TAKES):
            made = listened(path.stem, prosody, Behaviour(STYLES["speaker"], take))
            cards[f"{path}, take {take}"] = card(made)
    return [Column("listening", "speaker", cards)] if cards else []


def _finite(found: Card) -> dict[str, float]:
    return {name: round(float(v), 4) for name, v in found.items() if np.isfinite(v)}
