"""Sentences → a trained lip reader: synthetic people say them, it learns, strangers test it."""

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.lipreading.network import LipReadNet, load_lipreader, save_lipreader
from audio2mesh.training.distributed import first_before_others, process_group, rank
from audio2mesh.training.trainer import train
from avatar.heads import Head, load_head
from avatar.lipreading.sound_delay import face_units
from common.errors import InputError
from common.progress import progress_bar
from common.training_loop import run_options, state_path
from common.writable import check_writable
from research.lipreading.lip_task import (
    fit_blank,
    fit_feature_scale,
    fit_grammar,
    lip_scores,
    lip_trainer,
)
from research.lipreading.options import LipFitOptions
from research.lipreading.reels import Reel
from research.lipreading.sentences import VOICES, Part, Said, read_sentences, say
from research.lipreading.windows import careful_film, film, stranger, window_source


def fit_lipreader(options: LipFitOptions, device: torch.device) -> dict[str, float]:
    """Train, test, write the weights; returns `lip_scores` of the sentences that were held out.

    Of several processes the first one tests and writes. InputError for a text without sentences,
    clips that are none and voices that are not there.
    """
    with process_group(device):
        check_writable(options.out)
        head = load_head()
        texts, clips = read_sentences(options.text), _clips(options, head)
        with first_before_others():
            said = say(texts, "training", options.cache)
        torch.manual_seed(options.train.seed)
        net = load_lipreader(options.start) if options.start else LipReadNet(options.network)
        net = net.requires_grad_(True).to(device)
        draw = window_source(head, said, clips, options.shown)
        trainer = lip_trainer(net, draw, options.train)
        train(trainer, options.out, _record(options, texts, clips))
        if rank() > 0:
            return {}
        fit_feature_scale(trainer.task)
        settling = strangers(head, say(texts, "validation", options.cache), "validation")
        fit_blank(net, settling)
        fit_grammar(
            net, [[phone.label for phone in sentence.phones] for sentence in said], settling
        )
        scores = lip_scores(net, strangers(head, say(texts, "test", options.cache), "test"))
        record = {
            **_record(options, texts, clips),
            "hours": round(sum(sentence.seconds for sentence in said) / 3600, 3),
            "voices": {part: [voice.name for voice in voices] for part, voices in VOICES.items()},
            "scores": {name: round(value, 4) for name, value in scores.items()},
        }
        save_lipreader(net, options.out, record)
        state_path(options.out).unlink(missing_ok=True)
        return scores


def strangers(head: Head, said: Sequence[Said], part: Part) -> list[Reel]:
    """Sentences, each said by somebody new from a side and in a light of its own; tests are drawn
    as the lip-reading loss draws."""
    reels, shot = [], careful_film if part == "test" else film
    with progress_bar(f"drawing {part} mouths", len(said), "sentences/s") as done:
        for number, sentence in enumerate(said):
            rng = np.random.default_rng([_hash(part), number])
            reels.append(shot(stranger(head, sentence, rng), rng))
            done()
    return reels


def _clips(options: LipFitOptions, head: Head) -> list[Clip]:
    units = face_units(head)
    found = [c for folder in options.data for c in load_clips(folder, units, head.vertices)]
    if missing := {*options.exclude} - {clip.name for clip in found}:
        folders = ", ".join(map(str, options.data)) or "without --data"
        raise InputError(f"{folders}: no clip is called {sorted(missing)[0]}")
    return [clip for clip in found if clip.name not in options.exclude]


def _record(options: LipFitOptions, texts: Sequence[str], clips: Sequence[Clip]) -> dict[str, Any]:
    """What a continued run must agree with."""
    return {
        "network": asdict(options.network),
        "train": run_options(options.train),
        "sentences": len(texts),
        "text": f"{_hash(' '.join(texts)):08x}",
        "clips": sorted(clip.name for clip in clips),
        "shown": options.shown,
        "start": options.start.name if options.start else None,
    }


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())
