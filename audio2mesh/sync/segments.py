"""Stretches of speech with lip curves, cut at random and changed in sound and motion."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.options import SegmentOptions
from audio2mesh.sync.windows import SPEECH_DEPTH, level_mel
from audio2mesh.training.augment import augment
from audio2mesh.training.windows import WindowForm, cut_window, shorten_pauses, string_together

FPS = 25
MEL_PER_FRAME = 4
ITEM_FRAMES = 150
_LONG_SECONDS = 20.0
_RUNNING = 0.75  # share of clips whose pauses are cut short
_FORM = WindowForm(ITEM_FRAMES * SAMPLE_RATE // FPS, ITEM_FRAMES, FPS, outputs=0)


@dataclass(frozen=True)
class Item:
    """Six seconds of sound and motion."""

    mel: Tensor  # [T, 80] levelled
    mouth: Tensor  # [F, C] lip curves, 25 fps


def cut_item(clips: Sequence[Clip], options: SegmentOptions, rng: np.random.Generator) -> Item:
    """A random stretch of a random clip, faster or slower, its sound changed."""
    clip = _pick(clips, options.modelled, rng)
    speed = 1 + rng.uniform(-options.augment.speed, options.augment.speed)
    longest = max(0.0, clip.seconds - _FORM.samples / SAMPLE_RATE * speed)
    window = cut_window(clip, rng.uniform(-0.3, longest + 0.3), speed, _FORM)
    voices = [clips[int(rng.integers(len(clips)))].audio for _ in range(4)]
    audio = torch.from_numpy(augment(window.audio, voices, options.augment, rng))
    return Item(level_mel(log_mel(audio)).half(), window.coefficients)


def running_speech(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """The clips with most pauses cut short; short ones are strung together, like with like."""
    rng = np.random.default_rng([seed, 2])
    shortened = [shorten_pauses(clip, rng) if rng.random() < _RUNNING else clip for clip in clips]
    origins = sorted({clip.origin for clip in clips})
    return [
        string_together(chain, rng.uniform(0.05, 0.6, len(chain)).tolist())
        if chain[1:]
        else chain[0]
        for origin in origins
        for chain in _chains([clip for clip in shortened if clip.origin == origin], rng)
    ]


def _chains(clips: Sequence[Clip], rng: np.random.Generator) -> Iterator[list[Clip]]:
    """Long clips alone; short ones in random order, as many as make a long one."""
    chain: list[Clip] = []
    for index in rng.permutation(len(clips)):
        clip = clips[index]
        if clip.seconds >= _LONG_SECONDS:
            yield [clip]
            continue
        chain.append(clip)
        if sum(link.seconds for link in chain) >= _LONG_SECONDS:
            yield chain
            chain = []
    if chain:
        yield chain


def _pick(clips: Sequence[Clip], modelled: float, rng: np.random.Generator) -> Clip:
    """A clip by its length, modelled ones in their share."""
    made = np.array([clip.origin == "modelled" for clip in clips])
    seconds = np.array([clip.seconds for clip in clips])
    if made.any() and not made.all():
        chosen = made == (rng.random() < modelled)
        seconds = np.where(chosen, seconds, 0)
    return clips[int(rng.choice(len(clips), p=seconds / seconds.sum()))]


def change_mel(mel: Tensor, rng: np.random.Generator) -> Tensor:
    """Levelled log-mel [T, 80] with another colour, noise floor and level, some bands lost."""
    bands = np.interp(np.arange(80), np.linspace(0, 79, 6), rng.normal(0, 0.05, 6))
    mel = mel + torch.from_numpy(bands + rng.normal(0, 0.04)).float()
    if rng.random() < 0.5:
        floor = torch.tensor(rng.uniform(-1.2, -0.3))
        mel = torch.logaddexp(SPEECH_DEPTH * mel, SPEECH_DEPTH * floor) / SPEECH_DEPTH
    for _ in range(rng.integers(3)):
        first, width = rng.integers(80), rng.integers(1, 12)
        mel = mel.clone()
        mel[:, first : first + width] = mel[:, first : first + width].mean()
    return mel.clamp(-1, 1).float()


def change_curves(curves: Tensor, options: SegmentOptions, rng: np.random.Generator) -> Tensor:
    """Lip curves [F, K] larger or smaller, smoother, with a little noise and another rest pose."""
    count = curves.shape[1]
    gain = np.exp(rng.normal(0, options.amplitude) + rng.normal(0, options.wobble, count))
    curves = curves * torch.from_numpy(gain).float()
    if rng.random() < options.smooth:
        padded = torch.cat([curves[:1], curves, curves[-1:]])
        curves = padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4
    noise = rng.normal(0, 0.03, curves.shape) + rng.normal(0, 0.08, count)
    return curves + torch.from_numpy(noise).float()
