"""Windows of fixed length cut from clips: what the model sees of them in training."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.signal import resample
from torch import Tensor

from audio2mesh.data.clips import Clip, find_pauses, motion_at, recording_times
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import NEUTRAL
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import log_mel
from audio2mesh.training.augment import augment, fast_length, make_noise
from audio2mesh.training.options import AugmentOptions

_GRID_FPS = 100  # frames per second of the motion of clips that were cut or strung together
_OVERHANG = 0.4  # share of a window that may lie before or after its clip
_AFTER, _BEFORE = 0.1, 0.2  # seconds of a pause, at its begin and end, that lips still speak in
_EARLIEST_CUT = 0.3  # share of a window that is heard before its sound ends


@dataclass(frozen=True)
class WindowForm:
    """What all windows of a model have in common."""

    samples: int
    frames: int
    fps: int
    outputs: int  # coefficients per frame


@dataclass(frozen=True)
class Window:
    """A stretch of a clip."""

    audio: np.ndarray  # [S] float32
    mel: Tensor  # [T, 80] log-mel of the sound before it was augmented, 100 Hz
    coefficients: Tensor  # [F, K]
    heard: Tensor  # [F] bool; False where the sound ends too early to tell the motion
    style: str
    clip: str  # name of the recording; empty where there is none
    times: Tensor  # [F] seconds of that recording at the frames' centres; NaN outside it


def draw_windows(
    clips: Sequence[Clip],
    weights: np.ndarray,
    count: int,
    form: WindowForm,
    options: AugmentOptions,
    rng: np.random.Generator,
) -> Iterator[Window]:
    """`count` random windows, augmented; `weights` [n] are the clips' shares of them, sum 1."""
    voices = [clip.audio for clip in clips]
    for index, share in enumerate(spread(weights, count, rng)):
        if share:
            source = _running_speech(clips, index, form, options, rng)
        for _ in range(share):
            alone = rng.random() < options.alone
            chosen = lone_stretch(clips[index], form, rng) if alone else source
            yield _random_window(chosen, voices, form, options, rng)


def spread(weights: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """Whole numbers [n] of sum `count`, each less than 1 off weights · count and equal to it in
    the mean."""
    marks = np.floor(np.cumsum(weights) * count + rng.random()).astype(int)
    marks[-1] = count
    return np.diff(marks, prepend=0).tolist()


def cut_window(clip: Clip, start: float, speed: float, form: WindowForm) -> Window:
    """A window that begins `start` seconds into the clip and plays about `speed` times as fast.

    Sound and motion are sped up together, so the pitch changes too. Beyond the clip is silence.
    """
    source = fast_length(round(form.samples * speed))
    speed = source / form.samples
    first = round(start * SAMPLE_RATE)
    audio = np.zeros(source, np.float32)
    low, high = max(first, 0), min(first + source, len(clip.audio))
    if high > low:
        audio[low - first : high - first] = clip.audio[low:high]
    if source != form.samples:
        audio = np.asarray(resample(audio, form.samples), np.float32)
    times = start + (torch.arange(form.frames, dtype=torch.float64) + 0.5) / form.fps * speed
    return Window(
        audio,
        log_mel(torch.from_numpy(audio)),
        motion_at(clip, times),
        torch.ones(form.frames, dtype=torch.bool),
        clip.style,
        clip.name,
        recording_times(clip, times),
    )


def quiet_window(form: WindowForm, voices: list[np.ndarray], rng: np.random.Generator) -> Window:
    """A window of silence or noise alone, and a face at rest."""
    loudness = rng.choice([0.0, 10 ** rng.uniform(-4, -1)])
    silence = np.zeros(form.samples, np.float32)
    noise = make_noise(form.samples, voices, rng)
    return Window(
        silence + (loudness * noise).astype(np.float32),
        log_mel(torch.from_numpy(silence)),
        torch.zeros(form.frames, form.outputs),
        torch.ones(form.frames, dtype=torch.bool),
        NEUTRAL,
        "",
        torch.full((form.frames,), torch.nan, dtype=torch.float64),
    )


AJAR = 0.4
"""Seconds of a pause up to which modelled motion is not learned from: it shuts in every short one,
where people stay ajar."""


def deep_in_pauses(audio: np.ndarray, form: WindowForm, longest: float = math.inf) -> Tensor:
    """[F] frames far from all speech, in pauses of at most so many seconds."""
    centres = (torch.arange(form.frames) + 0.5) / form.fps
    deep = torch.zeros(form.frames, dtype=torch.bool)
    for start, end in find_pauses(audio):
        if end - start <= longest:
            deep |= (centres > start + _AFTER) & (centres < end - _BEFORE)
    return deep


def at_rest(window: Window, pauses: Tensor) -> Window:
    """The window with the face at rest in pauses [F]: what filmed mouths do in silence, such as
    breathing, or opening up to a second before they speak, no sound tells, and a mouth that stays
    open looks wrong."""
    return replace(window, coefficients=window.coefficients * ~pauses[:, None])


def cut_off(window: Window, fps: int, second: float, ahead: float) -> Window:
    """The window as a listener knows it at a time: all later sound is silence.

    Frames count as heard up to `ahead` seconds before that time.
    """
    audio = window.audio.copy()
    audio[round(second * SAMPLE_RATE) :] = 0
    centres = (torch.arange(len(window.heard)) + 0.5) / fps
    return replace(window, audio=audio, heard=window.heard & (centres <= second - ahead))


def shorten_pauses(clip: Clip, rng: np.random.Generator) -> Clip:
    """The clip as running speech: most of each longer pause is cut out of sound and motion."""
    keep = np.ones(len(clip.audio), bool)
    for start, end in find_pauses(clip.audio):
        left = rng.uniform(0.05, 0.3)
        middle = (end - start - left) / 2
        if middle > 0:
            centre = (start + end) / 2
            low, high = (round((centre + sign * middle) * SAMPLE_RATE) for sign in (-1, 1))
            keep[low:high] = False
    return _part(clip, np.flatnonzero(keep))


def lone_stretch(clip: Clip, form: WindowForm, rng: np.random.Generator) -> Clip:
    """A stretch of a clip, a fifth to the whole of a window long, that begins and ends anywhere."""
    step = SAMPLE_RATE // _GRID_FPS
    length = min(round(form.samples * rng.uniform(0.2, 1.0)), len(clip.audio)) // step * step
    first = int(rng.integers((len(clip.audio) - length) // step + 1)) * step
    return _part(clip, np.arange(first, first + length))


def _part(clip: Clip, kept: np.ndarray) -> Clip:
    """The clip with some of its samples [S] alone, and their motion."""
    source = torch.from_numpy(kept[:: SAMPLE_RATE // _GRID_FPS] / SAMPLE_RATE)
    origin = kept if clip.kept is None else clip.kept[kept]
    return _on_grid(clip, clip.audio[kept], motion_at(clip, source), origin)


def _on_grid(clip: Clip, audio: np.ndarray, coefficients: Tensor, kept: np.ndarray) -> Clip:
    """The clip with other sound [S] and motion [F, K] at `_GRID_FPS`."""
    motion = Motion(coefficients, clip.motion.basis)
    return replace(clip, audio=audio, motion=motion, fps=_GRID_FPS, lag=0.0, phones=(), kept=kept)


def string_together(clips: Sequence[Clip], pauses: Sequence[float]) -> Clip:
    """Clips one after the other, each followed by a pause (seconds) in which the face is at rest.

    It bears the name and style of the first, and only that one's times.
    """
    step = SAMPLE_RATE // _GRID_FPS
    audio, motion, kept = [], [], []
    for clip, pause in zip(clips, pauses, strict=True):
        steps = -(-len(clip.audio) // step) + round(pause * _GRID_FPS)
        audio.append(np.pad(clip.audio, (0, steps * step - len(clip.audio))))
        motion.append(motion_at(clip, torch.arange(steps, dtype=torch.float64) / _GRID_FPS))
        kept.append(np.full(steps * step, -1))
    first = clips[0]
    kept[0][: len(first.audio)] = np.arange(len(first.audio)) if first.kept is None else first.kept
    return _on_grid(first, np.concatenate(audio), torch.cat(motion), np.concatenate(kept))


def _running_speech(
    clips: Sequence[Clip],
    index: int,
    form: WindowForm,
    options: AugmentOptions,
    rng: np.random.Generator,
) -> Clip:
    """A clip, with its pauses shortened or not, and further ones in its style to fill a window."""
    chosen, seconds = [clips[index]], clips[index].seconds
    same_style = [clip for clip in clips if clip.style == chosen[0].style]
    while seconds < form.samples / SAMPLE_RATE:
        chosen.append(same_style[rng.integers(len(same_style))])
        seconds += chosen[-1].seconds
    if rng.random() < options.running:
        chosen = [shorten_pauses(clip, rng) for clip in chosen]
    return string_together(chosen, rng.uniform(0.05, 0.6, len(chosen))) if chosen[1:] else chosen[0]


def _random_window(
    clip: Clip,
    voices: list[np.ndarray],
    form: WindowForm,
    options: AugmentOptions,
    rng: np.random.Generator,
) -> Window:
    if rng.random() < options.quiet:
        return quiet_window(form, voices, rng)
    seconds = form.samples / SAMPLE_RATE
    speed = 1 + rng.uniform(-options.speed, options.speed)
    overhang = _OVERHANG * seconds
    start = rng.uniform(-overhang, max(0.0, clip.seconds - seconds) + overhang)
    window = cut_window(clip, start, speed, form)
    if clip.origin == "tracked":
        window = at_rest(window, deep_in_pauses(window.audio, form))
    if clip.origin == "modelled":
        window = replace(window, heard=~deep_in_pauses(window.audio, form, AJAR))
    window = replace(window, audio=augment(window.audio, voices, options, rng))
    if rng.random() >= options.live:
        return window
    end = rng.uniform(_EARLIEST_CUT, 1.0) * seconds
    return cut_off(window, form.fps, end, options.ahead)
