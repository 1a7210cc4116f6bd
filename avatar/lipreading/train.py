"""Clips → a trained lip reader: renders them, trains, scores it on clips it has not seen."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.corpus.articulation import ARKIT_NAMES, articulate
from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.phones import Phone
from audio2mesh.lipreading.chain import PhoneChain, babble, phone_chain
from audio2mesh.lipreading.network import FPS, LipReadNet, LipReadOptions
from audio2mesh.lipreading.reels import Reel
from audio2mesh.lipreading.train import LipTrainer, LipTrainOptions, lip_scores
from audio2mesh.lipreading.weights import load_lipreader, save_lipreader
from audio2mesh.model.motion import Motion
from audio2mesh.sound import SAMPLE_RATE
from avatar.heads import Head, load_head
from avatar.lipreading.face_geometry import face_units
from avatar.lipreading.mouth_crops import render_reel
from avatar.lipreading.view import FRONT, random_view
from common.errors import InputError
from common.network_files import training_record
from common.progress import progress_bar
from common.writable import check_writable

_BABBLE_SECONDS = 30.0
_LIVELINESS = (0.7, 1.1)  # factor on the motion of made-up speech
_FRONTAL = 0.5  # share of the training clips that are seen from the front


@dataclass(frozen=True)
class LipFitOptions:
    """Train the lip reader on renders of speech-motion clips."""

    data: tuple[Path, ...]
    """Folders of clips (<id>.npz with <id>.flac); those without phones teach the mouth's shape."""
    out: Path
    """The weights to write (.safetensors)."""
    test: tuple[Path, ...] = ()
    """Folders of clips with phones that are only tested on; by default a tenth of the data."""
    leave_out: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    babble: float = 0.5
    """Hours of made-up speech, whose phones follow each other as in the data."""
    cache: Path = Path("mouth_crops")
    """Folder in which rendered crops are kept: about 0.7 GB for an hour."""
    start: Path | None = None
    """Weights of an earlier run to go on from, with a schedule of their own."""
    save_every: int = 100
    """Steps after which an unfinished run is saved."""
    network: LipReadOptions = field(default_factory=LipReadOptions)
    """Size of the network."""
    train: LipTrainOptions = field(default_factory=LipTrainOptions)
    """The training."""


def fit_lipreader(options: LipFitOptions) -> dict[str, float]:
    """Train, test, write the weights; returns `lip_scores` of the clips that were held out.

    A run that was stopped goes on where it last saved. InputError for folders without clips or
    without phones.
    """
    check_writable(options.out)
    train, test = _clips(options)
    chain = phone_chain([clip.phones for clip in train if clip.phones])
    head, count = load_head(), round(options.babble * 3600 / _BABBLE_SECONDS)
    train += [made_up_clip(head, chain, number, options.train.seed) for number in range(count)]
    reels = render_reels(head, train, options, "Rendering what to train on")
    held = [render_reel(head, clip, FRONT, options.cache) for clip in test]
    torch.manual_seed(options.train.seed)
    net, before = LipReadNet(options.network), {}
    if options.start is not None:
        earlier = load_lipreader(options.start)
        net, before = earlier.requires_grad_(True), {"start": training_record(options.start)}
    trainer = LipTrainer(net, reels, options.train)
    losses = _train(trainer, options, _record(options, reels))
    trainer.fit_feature_scale()
    trainer.fit_blank()
    scores = lip_scores(trainer.net, held)
    hours = sum(len(reel.crops) for reel in reels) / FPS / 3600
    save_lipreader(
        trainer.net,
        options.out,
        {
            "options": {**asdict(options.train), "babble_hours": options.babble},
            "clips": sorted(clip.name for clip in train if not clip.name.startswith("babble")),
            "hours": round(hours, 3),
            "held_out": sorted(clip.name for clip in test),
            "scores": {name: round(value, 4) for name, value in scores.items()},
            "losses": losses,
            **before,
        },
    )
    _unfinished(options).unlink(missing_ok=True)
    return scores


def render_reels(
    head: Head, clips: Sequence[Clip], options: LipFitOptions, what: str
) -> list[Reel]:
    """Clips from views that follow from their names: half from the front, the others as random."""
    reels = []
    with progress_bar(what, len(clips), "clips/s") as done:
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


def _clips(options: LipFitOptions) -> tuple[list[Clip], list[Clip]]:
    """What is trained on, and what is held out."""
    units, rest = face_units(load_head()), load_head().vertices
    found = _load(options.data, options.leave_out, units, rest)
    test = _load(options.test, options.leave_out, units, rest)
    if not options.test:
        known = sorted((clip for clip in found if clip.phones), key=lambda clip: _hash(clip.name))
        test = known[: -(-len(known) // 10)]
    names = {clip.name for clip in test}
    train = [clip for clip in found if clip.name not in names]
    if not any(clip.phones for clip in train) or not any(clip.phones for clip in test):
        raise InputError(
            f"{options.data[0]}: too few of the clips have phones, in training or held out; build "
            "them with scripts/make_corpus.py"
        )
    return train, [clip for clip in test if clip.phones]


def _load(folders: Sequence[Path], leave_out: Sequence[str], units, rest: Tensor) -> list[Clip]:
    loaded = [clip for folder in folders for clip in load_clips(folder, units, rest)]
    return [clip for clip in loaded if clip.name not in leave_out]


def _train(trainer: LipTrainer, options: LipFitOptions, record: str) -> list[dict[str, float]]:
    """Train to the end and return the losses of the steps at which the run was saved."""
    unfinished, log = _unfinished(options), []
    if unfinished.exists():
        trainer.resume(unfinished, record)
    total = options.train.steps
    with progress_bar("Training", total, "steps/s") as done:
        for _ in range(trainer.step):
            done()
        try:
            while trainer.step < total:
                terms = trainer.train_step()
                done()
                if trainer.step % options.save_every == 0 or trainer.step == total:
                    trainer.save(unfinished, record)
                    log.append({"step": trainer.step, **{n: round(v, 3) for n, v in terms.items()}})
        except KeyboardInterrupt:
            trainer.save(unfinished, record)
            raise
    return log


def _unfinished(options: LipFitOptions) -> Path:
    return options.out.with_name(f"{options.out.name}.unfinished")


def _record(options: LipFitOptions, reels: Sequence[Reel]) -> str:
    """What must be the same for a run to go on."""
    lengths = {reel.name: len(reel.crops) for reel in reels}
    return json.dumps(
        [asdict(options.network), asdict(options.train), str(options.start), lengths],
        sort_keys=True,
    )


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())
