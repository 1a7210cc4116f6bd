"""Build the corpus: a folder of voices → clips of speech with modelled motion."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch

from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.encoder import SpeechEncoder
from common.device import pick_device
from common.errors import InputError
from common.progress import progress_bar
from research.corpus.files import (
    clips_of,
    read_clip,
    read_report,
    remove_clips,
    write_clip,
    write_motion,
    write_report,
)
from research.corpus.join import group, join
from research.corpus.options import CorpusOptions
from research.corpus.recognise import RATE, PhoneNet, recognise, step_labels
from research.corpus.recordings import VoiceFolder, find_voices, is_held_out
from research.corpus.sources import Source, aligned_source, recognised_source, synthetic_sources
from research.corpus.teaching import fit_recogniser


def agreement(found: Sequence[Phone], true: Sequence[Phone]) -> float:
    """Share of the steps of 20 ms on which the two, which are equally long, say the same."""
    steps = round(true[-1].end * RATE)
    a, b = (step_labels(phones, 0.0, steps) for phones in (found, true))
    return float((a == b).float().mean())


CLIP_SECONDS = 60.0  # into which recordings are joined
ALIGNED, RECOGNISED = "aligned", "recognised"
"""Folders, inside --out, of clips whose phones follow from a text, and from the sound alone."""


@dataclass(frozen=True)
class Row:
    """What became of one voice."""

    voice: str
    clips: tuple[Path, ...]  # the .npz files
    counts: dict[str, int]  # recordings used, and dropped by reason


def build_corpus(options: CorpusOptions) -> list[Row]:
    """Make all clips; returns a row per voice and folder.

    Raises FileNotFoundError or InputError for folders, transcripts or recordings that cannot be
    used.
    """
    if not 0 <= options.test_share < 1:
        raise InputError(f"--test-share {options.test_share:g}: must be a share from 0 to below 1")
    device = pick_device(options.device)
    voices = find_voices(options.recordings)
    tested = find_voices(options.test_recordings) if options.test_recordings else []
    _check(voices, tested)
    for folder in (options.out / ALIGNED, options.out / RECOGNISED, options.test_out):
        folder.mkdir(parents=True, exist_ok=True)
    known = [voice for voice in voices if voice.transcripts]
    rows = [_make(source, options.out / ALIGNED, options) for source in _training(known, options)]
    tests = [_make(source, options.test_out, options) for source in _held_out(known, options)]
    whole = [aligned_source(voice, list(voice.recordings)) for voice in tested]
    tests += [_make(source, options.test_out, options) for source in whole]
    unknown = [voice for voice in voices if not voice.transcripts]
    if unknown:
        rows += _recognised(unknown, rows, tests, options, device)
    return rows + tests


def _check(voices: Sequence[VoiceFolder], tested: Sequence[VoiceFolder]) -> None:
    if twice := {voice.name for voice in voices} & {voice.name for voice in tested}:
        raise InputError(f"the voice {min(twice)} is both to train and to test on; rename a folder")
    if untold := [voice.name for voice in tested if voice.transcripts is None]:
        raise InputError(f"the test voice {untold[0]} has no transcripts.txt; write down its text")


def _training(known: Sequence[VoiceFolder], options: CorpusOptions) -> list[Source]:
    """The aligned voices without what is held out, and the synthetic ones."""
    sources, texts = [], []
    for voice in known:
        assert voice.transcripts is not None
        kept = [n for n in voice.recordings if not is_held_out(voice.name, n, options.test_share)]
        texts += [voice.transcripts[n] for n in kept if n in voice.transcripts]
        sources.append(aligned_source(voice, kept))
    if options.synthetic == "auto":
        sources += synthetic_sources(texts, options.seed)
    return sources


def _held_out(known: Sequence[VoiceFolder], options: CorpusOptions) -> list[Source]:
    return [
        aligned_source(
            voice, [n for n in voice.recordings if is_held_out(voice.name, n, options.test_share)]
        )
        for voice in known
    ]


def _recognised(
    unknown: Sequence[VoiceFolder],
    known: Sequence[Row],
    tests: Sequence[Row],
    options: CorpusOptions,
    device: torch.device,
) -> list[Row]:
    """Clips of voices without transcripts; the recogniser is trained on the clips of `known`.

    How well it hears the phones of `tests` is printed.
    """
    clips = [path for row in known for path in row.clips]
    if not clips:
        raise InputError(
            f"{options.recordings}: {unknown[0].name} has no transcripts.txt and there is no"
            " transcribed voice from which to learn its phones; add one"
        )
    encoder = load_model(device=device).encoder
    net, record = fit_recogniser(encoder, clips, options.recogniser, options.out)
    for row in tests:
        if row.clips:
            share = _agreement(encoder, net, row)
            print(f"{row.voice}: the recogniser is right on {share:.0%} of the time", flush=True)
    sources = [recognised_source(voice, encoder, net, record) for voice in unknown]
    return [_make(source, options.out / RECOGNISED, options) for source in sources]


def _agreement(encoder: SpeechEncoder, net: PhoneNet, row: Row) -> float:
    """The mean over the clips of a voice."""
    clips = [read_clip(path)[0] for path in row.clips]
    heard = recognise(encoder, net, [clip.audio for clip in clips])
    return mean(agreement(h.phones, clip.phones) for h, clip in zip(heard, clips, strict=True))


def _make(source: Source, folder: Path, options: CorpusOptions) -> Row:
    """Write the clips of one voice, or only their motion where they are there already."""
    depends_on = json.dumps([source.inputs, CLIP_SECONDS, options.seed])
    fingerprint = hashlib.sha256(depends_on.encode()).hexdigest()
    counts = read_report(folder, source.voice, fingerprint)
    if counts is None:
        remove_clips(folder, source.voice)
        counts = _write_voice(source, folder, options)
        write_report(folder, source.voice, fingerprint, counts)
    else:
        for path in clips_of(folder, source.voice):  # the articulation model may have changed
            write_motion(path, *read_clip(path))
    return Row(source.voice, tuple(clips_of(folder, source.voice)), counts)


def _write_voice(source: Source, folder: Path, options: CorpusOptions) -> dict[str, int]:
    with progress_bar(source.voice, unit="/s") as report:
        parts, dropped = source.find(report)
    seed = int.from_bytes(hashlib.sha256(source.voice.encode()).digest()[:4], "big")
    rng = np.random.default_rng([options.seed, seed])
    for number, members in enumerate(group(parts, CLIP_SECONDS, rng)):
        clip = join(f"{source.voice}_{number:03d}", members, rng)
        write_clip(folder, clip, source.voice)
    return {"used": len(parts), **dropped}


def table(rows: Sequence[Row]) -> list[str]:
    """Lines that say for each voice its clips, minutes, phones and dropped recordings."""
    lines = [f"{'voice':24} {'clips':>5} {'min':>6} {'phones':>7} {'used':>5}  dropped"]
    for row in rows:
        clips = [read_clip(path)[0] for path in row.clips]
        minutes = sum(clip.seconds for clip in clips) / 60
        phones = sum(phone.label != SILENCE for clip in clips for phone in clip.phones)
        dropped = [f"{count} {why}" for why, count in row.counts.items() if why != "used"]
        lines.append(
            f"{row.voice:24} {len(clips):5} {minutes:6.1f} {phones:7} {row.counts['used']:5}"
            f"  {', '.join(dropped) or '-'}"
        )
    return lines
