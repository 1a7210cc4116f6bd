"""Measures of head motion: extent, speed and spectrum, and its relation to the voice (correlation
with prosody, pauses, onsets, nods on accents)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import butter, find_peaks, peak_widths, sosfiltfilt, welch

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Accent, Phrase, Prosody
from avatar.geometry.vectors import Bools, Floats
from research.evaluation.figures import mean_of, runs

HIGHEST_HZ = 7.0  # what is faster is taken for the tracker's noise
WINDOW_SECONDS = 2.5
SLOPE_HZ, ORDINARY_HZ = (0.3, 6.0), (1.9, 3.7)
SPECTRUM_SECONDS = 10.0
MOVES = 1.0  # degrees a second


def without_noise(angles: Floats, fps: float) -> Floats:
    """Angles [F, n] less what lies above HIGHEST_HZ."""
    if fps <= 2 * HIGHEST_HZ or len(angles) < 16:
        return angles
    low = butter(4, HIGHEST_HZ, fs=fps, output="sos")
    return sosfiltfilt(low, angles, axis=0)


def deviations(angles: Floats, fps: float) -> Floats:
    """Standard deviations [n] within WINDOW_SECONDS, the median over all such windows."""
    length = min(len(angles), round(WINDOW_SECONDS * fps))
    windows = sliding_window_view(angles, length, axis=0)  # [W, n, length]
    return np.median(windows.std(axis=2), axis=0)


def speed(angles: Floats, fps: float) -> Floats:
    """Angular speed [F] in degrees a second of yaw, pitch and roll [F, 3] in degrees, which are
    small enough to be taken for a rotation vector."""
    if len(angles) < 2:
        return np.zeros(len(angles))
    return np.linalg.norm(np.gradient(angles, axis=0), axis=1) * fps


def spectrum(angles: Floats, fps: float) -> tuple[Floats, Floats]:
    """Frequencies [f] and the power [f, n] of angles [F, n] at each."""
    length = min(len(angles), round(SPECTRUM_SECONDS * fps))
    hertz, power = welch(angles, fps, nperseg=length, axis=0)
    return hertz, power


def slope(angles: Floats, fps: float) -> float:
    """Exponent of the frequency by which the power falls, the mean of all angles."""
    hertz, power = spectrum(angles, fps)
    used = (hertz >= SLOPE_HZ[0]) & (hertz <= min(SLOPE_HZ[1], 0.45 * fps))
    fitted = np.polyfit(np.log(hertz[used]), np.log(power[used] + 1e-20), 1)  # [2, n]
    return float(fitted[0].mean())


def share_of_power(angle: Floats, fps: float) -> float:
    """Share of an angle's [F] power in the band ORDINARY_HZ."""
    hertz, power = spectrum(angle[:, None], fps)
    within = (hertz >= ORDINARY_HZ[0]) & (hertz < ORDINARY_HZ[1])
    return float(power[within].sum() / max(power.sum(), 1e-20))


def moving(angles: Floats, fps: float, frames: Bools) -> float:
    """Share of the given frames in which the head moves; nan where there are none."""
    return mean_of(speed(angles, fps)[frames] > MOVES)


SHORTEST_SECONDS, LONGEST_SECONDS = 2.0, 4.0  # of a piece of speech that is correlated
REST_SECONDS = 0.5  # a pause as long as this is one in which a head may rest
MOST_SEMITONES = 12.0  # from the median; beyond are octave errors of the pitch tracker
DELTA_SECONDS = 0.08  # to each side, for the slopes of pitch and loudness
STARTS = 0.6  # seconds before and after an onset in which a movement's start is looked for
STARTS_FROM = 5.0  # degrees a second that a movement reaches at least
RISEN = 0.2
NOD_DEGREES, NOD_SECONDS = 1.0, (0.1, 0.5)  # what counts as a nod
SLOW_HZ = 1.2
NOD_NEAR = (-0.2, 0.35)  # seconds from an accent to the lowest point of its nod
PROMINENT_A_MINUTE = 12.0


def features(prosody: Prosody, frames: int, fps: float) -> Floats:
    """Pitch, its slope, loudness and its slope [F, 4] at the middles of a motion's frames."""
    times = (np.arange(len(prosody)) + 0.5) / FRAMES_PER_SECOND
    voiced = np.abs(prosody.pitch) <= MOST_SEMITONES  # and not nan
    pitch = np.interp(times, times[voiced], prosody.pitch[voiced]) if voiced.any() else 0 * times
    curves = np.stack([pitch, prosody.energy], 1).astype(float)
    reach = round(DELTA_SECONDS * FRAMES_PER_SECOND)
    padded = np.pad(curves, ((reach, reach), (0, 0)), mode="edge")
    slopes = padded[2 * reach :] - padded[: -2 * reach]
    known = np.concatenate([curves, slopes], 1)[:, [0, 2, 1, 3]]
    middles = (np.arange(frames) + 0.5) / fps
    return np.stack([np.interp(middles, times, curve) for curve in known.T], 1)


def canonical_correlation(x: Floats, y: Floats) -> float:
    """First canonical correlation of two sets of curves [F, n] and [F, m]."""
    bases = [np.linalg.svd(a - a.mean(0), full_matrices=False) for a in (x, y)]
    u, v = (left[:, s > 1e-9 * max(s[0], 1e-9)] for left, s, _ in bases)
    if not (u.shape[1] and v.shape[1]):
        return 0.0
    return float(min(np.linalg.svd(u.T @ v, compute_uv=False)[0], 1.0))


def pieces(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Neighbouring phrases joined to pieces of SHORTEST to LONGEST seconds, long ones cut."""
    found: list[Phrase] = []
    for phrase in phrases:
        start = phrase.start
        if found and phrase.end - found[-1].start <= LONGEST_SECONDS:
            start = found.pop().start
        count = max(1, ceil((phrase.end - start) / LONGEST_SECONDS))
        edges = np.linspace(start, phrase.end, count + 1).tolist()
        found += [Phrase(a, b) for a, b in pairwise(edges)]
    return [piece for piece in found if piece.end - piece.start >= SHORTEST_SECONDS]


def correlations(head: Floats, fps: float, prosody: Prosody) -> tuple[Floats, Floats]:
    """First canonical correlations [P] of head [F, 3] and prosody within each piece of speech, and
    [P] those with the prosody from the start of every other piece on, on average."""
    curves = features(prosody, len(head), fps)
    cuts = [(round(p.start * fps), round(p.end * fps)) for p in pieces(prosody.phrases)]
    cuts = [(a, b) for a, b in cuts if b <= len(head)]
    own, others = [], []
    for start, stop in cuts:
        moved, length = head[start:stop], stop - start
        own.append(canonical_correlation(moved, curves[start:stop]))
        elsewhere = [a for a, _ in cuts if a != start and a + length <= len(head)]
        strange = [canonical_correlation(moved, curves[a : a + length]) for a in elsewhere]
        others.append(np.mean(strange) if strange else np.nan)
    return np.array(own), np.array(others)


def speaking_frames(prosody: Prosody, frames: int, fps: float) -> Bools:
    """[F] frames within a phrase."""
    rows = ((np.arange(frames) + 0.5) / fps * FRAMES_PER_SECOND).astype(int)
    return prosody.speaking[np.minimum(rows, len(prosody) - 1)]


def resting_frames(prosody: Prosody, frames: int, fps: float) -> Bools:
    """[F] frames within pauses of at least REST_SECONDS."""
    times = (np.arange(frames) + 0.5) / fps
    found = np.zeros(frames, bool)
    for start, end in pauses(prosody):
        if end - start >= REST_SECONDS:
            found |= (times >= start) & (times < end)
    return found


def pauses(prosody: Prosody) -> list[tuple[float, float]]:
    """Start and end in seconds of every stretch without speech."""
    return [(a / FRAMES_PER_SECOND, b / FRAMES_PER_SECOND) for a, b in runs(~prosody.speaking)]


def movement_starts(head: Floats, fps: float) -> Floats:
    """Seconds [n] at which the head sets out: where its speed has risen by RISEN of the way to a
    peak that stands out by half of its height."""
    v = speed(head, fps)
    peaks, found = find_peaks(v, height=STARTS_FROM, prominence=STARTS_FROM / 2)
    starts = []
    for peak, stands_out in zip(peaks, found["prominences"], strict=True):
        if stands_out >= v[peak] / 2:
            low = v[peak] - (1 - RISEN) * stands_out
            starts.append(np.flatnonzero(v[:peak] <= low)[-1])
    return (np.unique(np.array(starts, int)) + 0.5) / fps


def led(head: Floats, fps: float, onsets: Sequence[float]) -> float:
    """Share of onsets of speech whose nearest start of a movement came before; one half by chance,
    nan without any."""
    starts = movement_starts(head, fps)
    ahead = []
    for onset in onsets:
        away = starts - onset
        near = away[np.abs(away) <= STARTS]
        if len(near):
            ahead.append(near[np.abs(near).argmin()] < 0)
    return mean_of(ahead)


@dataclass(frozen=True)
class Nods:
    """n dips of a head."""

    times: Floats  # [n] seconds, of the lowest points
    degrees: Floats  # [n]
    seconds: Floats  # [n]


def nods(pitch: Floats, fps: float) -> Nods:
    """Dips of a head's pitch [F] in degrees, as long as nods are, in what it does above SLOW_HZ."""
    quick = butter(2, SLOW_HZ, "highpass", fs=fps, output="sos")
    dips = -sosfiltfilt(quick, pitch) if len(pitch) > fps else 0 * pitch
    lows, found = find_peaks(dips, prominence=NOD_DEGREES)
    seconds = 2 * peak_widths(dips, lows, rel_height=0.5)[0] / fps
    kept = (seconds >= NOD_SECONDS[0]) & (seconds <= NOD_SECONDS[1])
    return Nods((lows[kept] + 0.5) / fps, found["prominences"][kept], seconds[kept])


def prominent(accents: Sequence[Accent], seconds: float) -> list[Accent]:
    """The most prominent accents, PROMINENT_A_MINUTE at most, in order."""
    count = round(PROMINENT_A_MINUTE * seconds / 60)
    chosen = sorted(accents, key=lambda accent: -accent.prominence)[:count]
    return sorted(chosen, key=lambda accent: accent.time)


def share_near(events: Floats, times: Sequence[float], near: tuple[float, float]) -> float:
    """Share of times [n] that have an event between `near` seconds from them; nan without times."""
    return mean_of(near_any(np.asarray(times), events, (-near[1], -near[0])))


def near_any(events: Floats, times: Sequence[float] | Floats, near: tuple[float, float]) -> Bools:
    """[n] whether an event lies between `near` seconds from any of some times."""
    away = np.asarray(events)[:, None] - np.asarray(times)[None]
    return np.any((away >= near[0]) & (away <= near[1]), axis=1)
