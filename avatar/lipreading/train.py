"""Clips → a trained lip reader: renders them, trains, scores it on clips it has not seen."""

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio2mesh.corpus.articulation import ARKIT_NAMES, articulate
from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.phones import Phone
from audio2mesh.lipreading.chain import PhoneChain, babble, phone_chain
from audio2mesh.lipreading.network import FPS, LipReadNet
from audio2mesh.lipreading.reels import Reel
from audio2mesh.lipreading.train import fit_blank, fit_feature_scale, lip_scores, lip_trainer
from audio2mesh.lipreading.weights import load_lipreader, save_lipreader
from audio2mesh.model.motion import Motion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.training.trainer import train
from avatar.heads import Head, load_head
from avatar.lipreading.face_geometry import face_units
from avatar.lipreading.mouth_crops import render_reel
from avatar.lipreading.options import LipFitOptions
from avatar.lipreading.view import FRONT, random_view
from common.errors import InputError
from common.network_files import training_record
from common.progress import progress_bar
from common.training_loop import course, state_path
from common.writable import check_writable

_BABBLE_SECONDS = 30.0
_LIVELINESS = (0.7, 1.1)  # factor on the motion of made-up speech
_FRONTAL = 0.5  # share of the training clips that are seen from the front


def fit_lipreader(options: LipFitOptions, device: torch.device) -> dict[str, float]:
    """Train, test, write the weights; returns `lip_scores` of the clips that were held out.

    InputError for folders without clips or without phones.
    """
    check_writable(options.out)
    head = load_head()
    training, held = _clips(options, head)
    chain = phone_chain([clip.phones for clip in training if clip.phones])
    count = round(options.babble * 3600 / _BABBLE_SECONDS)
    said = [made_up_clip(head, chain, number, options.train.seed) for number in range(count)]
    reels = render_reels(head, training + said, options)
    tests = [render_reel(head, clip, FRONT, options.cache) for clip in held]
    torch.manual_seed(options.train.seed)
    net, before = LipReadNet(options.network), {}
    if options.start is not None:
        net = load_lipreader(options.start).requires_grad_(True)
        before = {"start": training_record(options.start)}
    trainer = lip_trainer(net.to(device), reels, options.train)
    train(trainer, options.out, _record(options, reels))
    fit_feature_scale(trainer.task)
    fit_blank(net, reels)
    scores = lip_scores(net, tests)
    record = {
        "options": {**course(options.train), "babble_hours": options.babble},
        "clips": sorted(clip.name for clip in training),
        "hours": round(sum(len(reel.crops) for reel in reels) / FPS / 3600, 3),
        "held_out": sorted(clip.name for clip in held),
        "scores": {name: round(value, 4) for name, value in scores.items()},
        **before,
    }
    save_lipreader(net, options.out, record)
    state_path(options.out).unlink(missing_ok=True)
    return scores


def render_reels(head: Head, clips: Sequence[Clip], options: LipFitOptions) -> list[Reel]:
    """Clips from views that follow from their names: half from the front, the others as random."""
    reels = []
    with progress_bar("rendering mouths", len(clips), "clips/s") as done:
        for clip in clips:
            rng = np.random.default_rng([options.train.seed, 3, _hash(clip.name)])
            view = FRONT if rng.random() < _FRONTAL else random_view(rng)
            reels.append(render_reel(head, clip, view, options.cache))
            done()
    return reels


def made_up_clip(head: Head, chain: PhoneChain, number: int, seed: int) -> Clip:
    """Half a minute of made-up speech, silent, with the motion that its phones ask for."""
    rng = np.random.default_rng([seed, 4, number])
    phones = babble(chain, _BABBLE_SECONDS, rng)
    fps, moving = 2 * FPS, articulated(head, phones, 2 * FPS)
    motion = Motion(moving.coefficients * float(rng.uniform(*_LIVELINESS)), moving.basis)
    silence = np.zeros(round(phones[-1].end * SAMPLE_RATE), np.float32)
    return Clip(f"babble{number:04d}", "babble", silence, motion, fps, 0.0, phones, "modelled")


def articulated(head: Head, phones: Sequence[Phone], fps: float) -> Motion:
    """The motion [F, ..] that phones ask for, from second 0 to the end of the last."""
    weights = articulate(phones, phones[-1].end, fps)
    order = [head.unit_names.index(name) for name in ARKIT_NAMES]
    return Motion(torch.from_numpy(weights), head.units[order])


def _clips(options: LipFitOptions, head: Head) -> tuple[list[Clip], list[Clip]]:
    """What is trained on, and what is held out, which has phones."""
    found, held = _load(options.data, head), _load(options.test_data, head)
    if missing := {*options.held_out, *options.exclude} - {clip.name for clip in found + held}:
        folders = ", ".join(map(str, options.data))
        raise InputError(f"{folders}: no clip is called {sorted(missing)[0]}")
    found, held = ([c for c in clips if c.name not in options.exclude] for clips in (found, held))
    names = {clip.name for clip in held} | {*options.held_out}
    if not names:
        known = sorted((clip for clip in found if clip.phones), key=lambda clip: _hash(clip.name))
        names = {clip.name for clip in known[: -(-len(known) // 10)]}
    held += [clip for clip in found if clip.name in names]
    training = [clip for clip in found if clip.name not in names]
    if not any(clip.phones for clip in training) or not any(clip.phones for clip in held):
        raise InputError(
            f"{options.data[0]}: too few of the clips have phones, in training or held out; build "
            "them with scripts/make_corpus.py"
        )
    return training, [clip for clip in held if clip.phones]


def _load(folders: Sequence[Path], head: Head) -> list[Clip]:
    units = face_units(head)
    return [clip for folder in folders for clip in load_clips(folder, units, head.vertices)]


def _record(options: LipFitOptions, reels: Sequence[Reel]) -> dict[str, Any]:
    """What a continued run must agree with."""
    return {
        "network": asdict(options.network),
        "train": course(options.train),
        "start": str(options.start),
        "frames": {reel.name: len(reel.crops) for reel in reels},
    }


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())
