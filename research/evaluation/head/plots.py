"""A plot of head, eye, brow and lid motion over the voice."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Prosody
from avatar.geometry.vectors import Floats
from common.atomic import write_beside
from research.evaluation.head.card import Performed

STRIP_SECONDS = 12.0
WIDTH, LEFT, HEADER = 1500, 56, 40  # pixels
HEIGHTS = {"voice": 60, "head": 190, "look": 60, "face": 34}
GAP = 8
FINE = 2  # drawn so many times larger and scaled down, for smooth lines
COLOURS = {"pitch": "#1f6fb2", "yaw": "#d1495b", "roll": "#2a9d5c"}
SPOKEN, INK, GRID, LOUD, PITCH = "#f1f3f7", "#333333", "#d8dce3", "#c6cfdf", "#7a4fb5"
ACCENT, BROW, BLINK = "#e08e1b", "#b0578d", "#00919e"


@dataclass(frozen=True)
class _Panel:
    """One of the plots of a strip, in pixels of the finished picture."""

    draw: ImageDraw.ImageDraw
    start: float  # seconds
    top: float
    height: float

    def x(self, seconds: float) -> float:
        return LEFT + (seconds - self.start) / STRIP_SECONDS * (WIDTH - LEFT - 8)

    def curve(self, times: Floats, values: Floats, span: tuple[float, float], ink: str) -> None:
        """Values over times, drawn where both are finite and within the strip."""
        shown = (times >= self.start) & (times < self.start + STRIP_SECONDS)
        points: list[tuple[float, float]] = []
        for time, value in zip(times[shown], values[shown], strict=True):
            if np.isfinite(value):
                share = np.clip((value - span[0]) / (span[1] - span[0]), 0, 1)
                points.append((self.x(time), self.top + self.height * (1 - share)))
            else:
                self.line(points, ink)
                points = []
        self.line(points, ink)

    def line(self, points: Sequence[tuple[float, float]], ink: str, width: float = 1.6) -> None:
        if len(points) > 1:
            scaled = [(x * FINE, y * FINE) for x, y in points]
            self.draw.line(scaled, ink, round(width * FINE), joint="curve")

    def span(self, start: float, end: float, ink: str) -> None:
        a, b = max(start, self.start), min(end, self.start + STRIP_SECONDS)
        if b > a:
            box = (self.x(a), self.top, self.x(b), self.top + self.height)
            self.draw.rectangle([v * FINE for v in box], ink)

    def mark(self, time: float, ink: str) -> None:
        if self.start <= time < self.start + STRIP_SECONDS:
            ends = [(self.x(time), self.top), (self.x(time), self.top + self.height)]
            self.line(ends, ink, 1.0)

    def level(self, value: float, span: tuple[float, float], label: str) -> None:
        y = self.top + self.height * (1 - (value - span[0]) / (span[1] - span[0]))
        self.line([(LEFT, y), (WIDTH - 8, y)], GRID, 0.7)
        self.text((LEFT - 6, y), label, INK, "rm")

    def text(self, at: tuple[float, float], label: str, ink: str, anchor: str = "lm") -> None:
        font = ImageFont.load_default(12 * FINE)
        self.draw.text((at[0] * FINE, at[1] * FINE), label, ink, font, anchor)


def write_plot(path: Path, performed: Performed) -> None:
    """Write a picture of strips below one another; the file appears whole."""
    with write_beside(path) as partial:
        draw_plot(performed).save(partial, format="png")


def draw_plot(performed: Performed) -> Image.Image:
    """Loudness and pitch with phrases and accents, the head's angles, the look, brows and lids."""
    strip = sum(HEIGHTS.values()) + GAP * (len(HEIGHTS) + 1) + 16
    count = max(1, int(np.ceil(performed.seconds / STRIP_SECONDS)))
    size = (WIDTH * FINE, (HEADER + count * strip) * FINE)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    _header(_Panel(draw, 0, 0, HEADER), performed)
    for number in range(count):
        top = HEADER + number * strip
        panels = {}
        for name, height in HEIGHTS.items():
            panels[name] = _Panel(draw, number * STRIP_SECONDS, top, height)
            top += height + GAP
        _strip(panels, performed)
    return image.resize((size[0] // FINE, size[1] // FINE), Image.Resampling.LANCZOS)


def _header(panel: _Panel, performed: Performed) -> None:
    panel.text((LEFT, 12), f"{performed.name}: degrees over seconds", INK)
    x = float(LEFT)
    named = {**COLOURS, "pitch of the voice": PITCH, "accent": ACCENT, "brows": BROW, "lids": BLINK}
    for name, ink in named.items():
        panel.line([(x, 30), (x + 18, 30)], ink, 3)
        panel.text((x + 24, 30), name, ink)
        x += 46 + 8 * len(name)


def _strip(panels: dict[str, _Panel], performed: Performed) -> None:
    times = (np.arange(len(performed.head)) + 0.5) / performed.fps
    assert performed.prosody is not None
    _voice(panels, performed.prosody)
    top = max(6.0, float(np.abs(performed.head).max()))
    for value in (-top / 2, 0, top / 2):
        panels["head"].level(value, (-top, top), f"{value:.0f}°")
    for name, column in (("yaw", 0), ("pitch", 1), ("roll", 2)):
        panels["head"].curve(times, performed.head[:, column], (-top, top), COLOURS[name])
    if performed.look is not None:
        panels["look"].level(0, (-16, 16), "eyes")
        for name, column in (("yaw", 0), ("pitch", 1)):
            panels["look"].curve(times, performed.look[:, column], (-16, 16), COLOURS[name])
    for weights, ink in ((performed.brow, BROW), (performed.blink, BLINK)):
        if weights is not None:
            panels["face"].curve(times, weights, (0, 1), ink)
    seconds = panels["face"]
    for second in np.arange(seconds.start, seconds.start + STRIP_SECONDS):
        seconds.text(
            (seconds.x(second), seconds.top + seconds.height + 9), f"{second:g}", INK, "mm"
        )


def _voice(panels: dict[str, _Panel], prosody: Prosody) -> None:
    """What is spoken, under everything; loudness, pitch and accents above."""
    for panel in panels.values():
        for phrase in prosody.phrases:
            panel.span(phrase.start, phrase.end, SPOKEN)
        for accent in prosody.accents:
            if accent.prominence >= 1:
                panel.mark(accent.time, ACCENT)
    times = (np.arange(len(prosody)) + 0.5) / FRAMES_PER_SECOND
    panels["voice"].curve(times, prosody.energy, (-60, 5), LOUD)
    panels["voice"].curve(times, prosody.pitch, (-12, 12), PITCH)
