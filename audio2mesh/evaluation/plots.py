"""Pictures of the lip opening over time: truth, rows, loudness, phones under the axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.sound import SAMPLE_RATE

STRIP_SECONDS = 8.0
_WIDTH, _LEFT, _RIGHT = 1600, 60, 20  # pixels
_PLOT, _STRIP, _HEADER = 190, 270, 46
_FINE = 2  # drawn so many times larger and scaled down, for smooth lines
_TRUTH = "#9a9a9a"
_COLOURS = ("#d1495b", "#1f6fb2", "#2a9d5c", "#e08e1b", "#7a4fb5", "#00919e", "#b0578d")
_LOUDNESS, _GRID, _INK = "#eef1f6", "#d8dce3", "#333333"
_LOUDNESS_FPS = 100


@dataclass(frozen=True)
class Curves:
    """What a picture shows of one recording."""

    title: str
    audio: np.ndarray  # [S] 16 kHz
    fps: float
    openings: Mapping[str, np.ndarray]  # row → [F] millimetres; "truth" is drawn in grey
    phones: Sequence[Phone] = ()


def draw_openings(curves: Curves) -> Image.Image:
    """A picture of strips of eight seconds each, below one another."""
    seconds = len(curves.audio) / SAMPLE_RATE
    strips = max(1, int(np.ceil(seconds / STRIP_SECONDS)))
    size = (_WIDTH * _FINE, (_HEADER + strips * _STRIP) * _FINE)
    image = Image.new("RGB", size, "white")
    sheet = _Sheet(ImageDraw.Draw(image), max(4.0, 1.1 * _highest(curves)))
    _draw_header(sheet, curves)
    for number in range(strips):
        _draw_strip(sheet, curves, number)
    return image.resize((size[0] // _FINE, size[1] // _FINE), Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class _Sheet:
    """Draws in pixels of the finished picture."""

    draw: ImageDraw.ImageDraw
    top: float  # millimetres at the upper end of the axis

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> None:
        scaled = [(x * _FINE, y * _FINE) for x, y in points]
        self.draw.line(scaled, colour, round(width * _FINE), joint="curve")

    def area(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        self.draw.polygon([(x * _FINE, y * _FINE) for x, y in points], colour)

    def text(self, at: tuple[float, float], words: str, colour: str, anchor: str = "lm") -> None:
        font = ImageFont.load_default(13 * _FINE)
        self.draw.text((at[0] * _FINE, at[1] * _FINE), words, colour, font, anchor)


def _highest(curves: Curves) -> float:
    return max((float(o.max()) for o in curves.openings.values() if len(o)), default=0.0)


def _colours(names: Sequence[str]) -> dict[str, str]:
    rows = [name for name in names if name != "truth"]
    found = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(rows)}
    return {name: found.get(name, _TRUTH) for name in names}


def _draw_header(sheet: _Sheet, curves: Curves) -> None:
    sheet.text((_LEFT, 16), f"{curves.title}: opening of the lips in mm, over seconds", _INK)
    x = float(_LEFT)
    for name, colour in {**_colours(list(curves.openings)), "loudness": "#b9c2d3"}.items():
        sheet.line([(x, 36), (x + 26, 36)], colour, 3)
        sheet.text((x + 32, 36), name, _INK)
        x += 60 + 8 * len(name)


def _draw_strip(sheet: _Sheet, curves: Curves, number: int) -> None:
    start, bottom = number * STRIP_SECONDS, _HEADER + number * _STRIP + _PLOT
    _draw_loudness(sheet, curves.audio, start, bottom)
    _draw_axes(sheet, start, bottom)
    colours = _colours(list(curves.openings))
    for name in sorted(curves.openings, key=lambda n: n != "truth"):
        opening = curves.openings[name]
        centres = (np.arange(len(opening)) + 0.5) / curves.fps
        shown = (centres >= start) & (centres <= start + STRIP_SECONDS)
        points = [
            (_across(t, start), bottom - _PLOT * v / sheet.top)
            for t, v in zip(centres[shown], opening[shown], strict=True)
        ]
        if len(points) > 1:
            sheet.line(points, colours[name], 3 if name == "truth" else 1.5)
    _draw_phones(sheet, curves.phones, start, bottom)


def _draw_loudness(sheet: _Sheet, audio: np.ndarray, start: float, bottom: float) -> None:
    """Root mean square in decibels, from 50 under the loudest up."""
    step = SAMPLE_RATE // _LOUDNESS_FPS
    power = np.square(audio[: len(audio) // step * step].reshape(-1, step)).mean(1)
    if not power.any():
        return
    level = np.clip(10 * np.log10(power / power.max() + 1e-9) / 50 + 1, 0, 1)
    times = (np.arange(len(level)) + 0.5) / _LOUDNESS_FPS
    shown = (times >= start) & (times <= start + STRIP_SECONDS)
    outline = [
        (_across(t, start), bottom - _PLOT * v)
        for t, v in zip(times[shown], level[shown], strict=True)
    ]
    if len(outline) > 1:
        sheet.area([(outline[0][0], bottom), *outline, (outline[-1][0], bottom)], _LOUDNESS)


def _draw_axes(sheet: _Sheet, start: float, bottom: float) -> None:
    step = next(s for s in (1, 2, 5, 10, 20, 50, 1000) if sheet.top / s <= 6)
    for value in np.arange(0, sheet.top, step):
        y = bottom - _PLOT * value / sheet.top
        sheet.line([(_LEFT, y), (_WIDTH - _RIGHT, y)], _INK if value == 0 else _GRID)
        sheet.text((_LEFT - 8, y), f"{value:g}", _INK, "rm")
    for second in np.arange(start, start + STRIP_SECONDS + 0.01):
        x = _across(second, start)
        sheet.line([(x, bottom), (x, bottom + 5)], _INK)
        sheet.text((x, bottom + 14), f"{second:g}", _INK, "mm")


def _draw_phones(sheet: _Sheet, phones: Sequence[Phone], start: float, bottom: float) -> None:
    """Labels in two lines by turns, between ticks at the borders."""
    for place, phone in enumerate(phones):
        middle = (phone.start + phone.end) / 2
        if phone.label == SILENCE or not start <= middle < start + STRIP_SECONDS:
            continue
        for border in (phone.start, phone.end):
            x = _across(min(max(border, start), start + STRIP_SECONDS), start)
            sheet.line([(x, bottom + 24), (x, bottom + 30)], _TRUTH)
        at = (_across(middle, start), bottom + 38 + 15 * (place % 2))
        sheet.text(at, phone.label, _INK, "mm")


def _across(time: float, start: float) -> float:
    return _LEFT + (time - start) / STRIP_SECONDS * (_WIDTH - _LEFT - _RIGHT)
