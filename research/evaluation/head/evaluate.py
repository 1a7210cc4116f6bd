"""Measure generated and recorded head motion with the same figures."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio2mesh.pose_vae.fit import load_pose_net
from audio2mesh.pose_vae.network import PoseNet
from audio2mesh.prosody.listener import prosody_of_file
from audio2mesh.prosody.record import Prosody
from avatar.avatar_io.live_link import read_take, sample_take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.behaviour.motion import LOOKAHEAD, Behaviour, LifeMaker
from avatar.behaviour.performance import LOOKAHEAD as LIVE_LOOKAHEAD
from avatar.behaviour.performance import learned_head
from avatar.behaviour.speech_events import RATE, in_parts, silence
from avatar.behaviour.style import STYLES, Style
from avatar.geometry.rotations import head_angles, head_poses
from avatar.geometry.vectors import Floats, directions
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS, eye_angles
from avatar.heads.arkit_fit import fit_weights
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.figures import check_outputs
from research.evaluation.head.card import BY_NAME, Card, Performed, card, medians, takes_apart
from research.evaluation.options import HeadEvaluationOptions

TAKES = 2  # that are compared
PART = 1000  # frames of prosody that are heard at a time
TAKE_FPS = 60.0  # at which a take is played
SHORTEST = 3.0  # seconds of a performance that can be measured


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
                one, other = (driven(path.stem, prosody, b, options.live, net) for b in behaviours)
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
            face = listened(path.stem, prosody, Behaviour(STYLES["speaker"], take))
            cards[f"{path}, take {take}"] = card(face)
    return [Column("listening", "speaker", cards)] if cards else []


def _finite(found: Card) -> dict[str, float]:
    return {name: round(float(v), 4) for name, v in found.items() if np.isfinite(v)}


def driven(
    name: str, prosody: Prosody, behaviour: Behaviour, live: bool, net: PoseNet | None = None
) -> Performed:
    """What driving makes of a voice, a hundred frames a second; live: as live speech does it; net:
    of train pose, moves the head."""
    maker = LifeMaker(behaviour, LIVE_LOOKAHEAD if live else LOOKAHEAD)
    rows = np.concatenate(
        [*(maker.hear(piece) for piece in in_parts(prosody, PART)), maker.finish()]
    )
    head = rows[:, :3]
    if net is not None:
        head = learned_head(net, prosody, RATE, len(head), behaviour.take)
    seen = rows[:, 5], rows[:, 6], rows[:, 3:5]
    return _long_enough(name, Performed(RATE, head, prosody, *seen))


def listened(name: str, heard: Prosody, behaviour: Behaviour) -> Performed:
    """What a silent face makes of another's voice, a hundred frames a second."""
    maker = LifeMaker(behaviour, LIVE_LOOKAHEAD)
    maker.listen(heard)
    rows = maker.hear(silence(len(heard) + maker.ahead))
    motion = Performed(RATE, rows[:, :3], None, rows[:, 5], rows[:, 6], rows[:, 3:5], heard)
    return _long_enough(name, motion)


def recorded(path: Path, sound: Path | None) -> Performed:
    """A Live Link Face take or motion that driving saved. Raises InputError or FileNotFoundError
    with one sentence."""
    prosody = None if sound is None else prosody_of_file(sound)
    if path.suffix.lower() == ".csv":
        sampled = sample_take(read_take(path), TAKE_FPS)
        fps, weights, head = TAKE_FPS, sampled[0].double().numpy(), sampled[1].double().numpy()
    else:
        saved = open_motion(path)
        head_of_saved = load_head()
        if len(saved.mesh.vertices) != len(head_of_saved.vertices):
            raise InputError(
                f"{path}: moves another mesh than anny-head; save it from an avatar of anny-head"
            )
        fitted, _ = fit_weights(head_of_saved, motion_chunks(saved))
        fps, weights = saved.fps, fitted.double().numpy()
        head = head_angles(saved.head_pose).double().numpy()
    column = {name: weights[:, k] for k, name in enumerate(WEIGHTS)}
    blink = np.minimum(column["eyeBlinkLeft"], column["eyeBlinkRight"])
    brow = (column["browOuterUpLeft"] + column["browOuterUpRight"]) / 2
    seen = np.degrees(head), prosody, blink, brow, _look(weights, head)
    return _long_enough(path, Performed(fps, *seen))


def _look(weights: Floats, head: Floats) -> Floats:
    """Directions [F, 2] of the eyes in degrees, of both together, with the head's turns [F, 3], by
    ARKit weights [F, 52]."""
    eyes = eye_angles(weights)
    yaw, pitch = -(eyes[:, :2] + eyes[:, 3:5]).T / 2
    turns = head_poses(torch.from_numpy(head), torch.zeros(3).double())[:, :3, :3].numpy()
    x, y, z = np.einsum("fij,fj->if", turns, directions(yaw, pitch))
    return np.degrees(np.stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))], 1))


def _long_enough(source: object, performed: Performed) -> Performed:
    if performed.seconds < SHORTEST:
        raise InputError(f"{source}: is shorter than {SHORTEST:g} s; give a longer one")
    return performed
