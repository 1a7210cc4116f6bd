"""Figures of head, eye, brow and lid motion, and the ranges that people have."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from audio2mesh.prosody.record import Prosody
from avatar.geometry.vectors import Floats
from research.evaluation.figures import mean_of, median_of
from research.evaluation.head import events, voice

ONE_NOD = 0.55  # seconds between two dips of one nod, at most
AFTER_END = (0.0, 1.2)  # seconds from a phrase's end in which a nod's start answers it
BLINKS_AFTER = (0.1, 0.8)  # the same of a blink


def listening_figures(
    fps: float, head: Floats, blink: Floats, look: Floats, heard: Prosody
) -> dict[str, float]:
    """The figures of rows that begin with `listen`, of motion that answers a voice.

    head [F, 3], look [F, 2]: degrees; blink [F]: weights.
    """
    spoken = voice.speaking_frames(heard, len(head), fps)
    ends = np.array([phrase.end for phrase in heard.phrases])
    starts = nod_starts(head[:, 1], fps)
    apart = starts[:, None] - ends[None]  # [nods, ends]
    answers = (apart >= AFTER_END[0]) & (apart <= AFTER_END[1])
    blinks = events.blink_times(blink, fps).tolist()
    random_times = np.array(_random_times(len(head) / fps))
    return {
        "listen_nods": 60 * len(starts) / max(float(spoken.sum()) / fps, 1e-9),
        "listen_ends": mean_of(answers.any(1)),
        "listen_random": mean_of(voice.near_any(random_times, ends, AFTER_END)),
        "listen_response": median_of(apart[answers]),
        "listen_looking": mean_of(~events.looking_away(look)[spoken]),
        "listen_blinks": voice.share_near(ends, blinks, (-BLINKS_AFTER[1], -BLINKS_AFTER[0])),
    }


def nod_starts(pitch: Floats, fps: float) -> Floats:
    """Seconds [n] at which nods begin in a head's pitch [F], repeated ones counted once."""
    dips = voice.nods(pitch, fps)
    first = np.diff(dips.times, prepend=-9.0) > ONE_NOD
    return (dips.times - dips.seconds / 2)[first]


Band = tuple[float, float]
Card = dict[str, float]
"""Name of a row → figure; nan where it cannot be measured."""
MANY = float("inf")
RANDOM_TIMES = 400  # to compare with
END_SECONDS = (-0.3, 0.3)  # about the end of a phrase


@dataclass(frozen=True)
class Performed:
    """What a face did besides speaking, and what was said."""

    fps: float
    head: Floats  # [F, 3] degrees of yaw, pitch and roll
    prosody: Prosody | None
    blink: Floats  # [F] weight of the blinking units
    brow: Floats  # [F] weight of the units of the outer brows
    look: Floats  # [F, 2] degrees of the eyes' direction, with the head's turns
    heard: Prosody | None = None  # of another's voice, to which it only listens

    @property
    def seconds(self) -> float:
        return len(self.head) / self.fps

    @cached_property
    def clean(self) -> Floats:
        """The head's angles [F, 3] without what is too quick for a head."""
        return voice.without_noise(self.head, self.fps)


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    speaker: Band | None = None
    """range of people who speak freely; None for what has none"""
    reader: Band | None = None
    """range of people who read aloud; by default the same"""

    def band(self, style: str) -> Band | None:
        return self.reader if style == "reader" and self.reader else self.speaker


ROWS = (
    Row("sd_pitch", "pitch within 2.5 s, sd (°)", (0.8, 2.0), (0.8, 3.3)),
    Row("sd_yaw", "yaw within 2.5 s, sd (°)", (1.0, 3.0), (0.4, 0.9)),
    Row("sd_roll", "roll within 2.5 s, sd (°)", (0.7, 2.0), (0.3, 0.8)),
    Row("speed", "speed while speaking, median (°/s)", (5, 13), (4, 8)),
    Row("speed_p95", "  95th percentile (°/s)", (0, 45)),
    Row("slope", "slope of the spectrum, 0.3 to 6 Hz", (-3.2, -2.4)),
    Row("ordinary", "pitch's power at 1.9 to 3.7 Hz", (0.01, 0.04), (0.01, 0.05)),
    Row("moving_speech", "moving (> 1 °/s) in speech", (0.85, 1)),
    Row("moving_pauses", "  in pauses of 0.5 s and more", (0, 0.35)),
    Row("correlation", "canonical correlation with the voice", (0.5, 1)),
    Row("correlation_strange", "  with that of other phrases"),
    Row("correlation_more", "  more than that", (0.2, 1)),
    Row("led", "onsets that the head leads", (0.6, 0.85)),
    Row("led_random", "  at random times"),
    Row("nods", "prominent accents with a nod", (0.4, 0.7), (0.1, 0.7)),
    Row("nods_random", "  at random times"),
    Row("nod_degrees", "  size (°)", (1.5, 4.0)),
    Row("nod_seconds", "  length (s)", (0.15, 0.45)),
    Row("brows", "brow raises a minute", (4, 8)),
    Row("brows_early", "  before their vowel (s)", (0, 0.15)),
    Row("brow_seconds", "  length (s)", (0.3, 0.6)),
    Row("blinks", "blinks a minute", (18, 30), (5, 15)),
    Row("blinks_near", "  within 0.3 s of a phrase's end", (0.5, 1)),
    Row("blinks_random", "  at random times"),
    Row("blinks_vary", "  variation of their intervals", (0.6, 1.1)),
    Row("looking", "looks at the listener, of the time", (0.6, 0.9), (0.9, 1)),
    Row("looking_seconds", "  mean (s)", (2.0, 4.5), (3.0, MANY)),
    Row("away_seconds", "looks elsewhere, mean (s)", (0.6, 1.3), (0.3, 1.3)),
    Row("saccades", "saccades shorter than 15°", (0.85, 1)),
    Row("saccade_seconds", "  length of one of 10° (s)", (0.04, 0.06)),
    Row("listen_nods", "nods a minute of another's speech", (7, 15)),
    Row("listen_ends", "  within 1.2 s after a phrase's end"),
    Row("listen_random", "  random times that are"),
    Row("listen_response", "  from the end to the nod (s)", (0.2, 1.0)),
    Row("listen_looking", "looks at another who speaks", (0.75, 0.97)),
    Row("listen_blinks", "another's phrases with a blink after"),
    Row("takes_apart", "two takes' distance, of two voices'", (0.7, MANY)),
)
BY_NAME = {row.name: row for row in ROWS}


def card(performed: Performed) -> Card:
    """All figures of a performance but those that take several."""
    found = dict.fromkeys(BY_NAME, float("nan"))
    if performed.heard is not None:
        seen = performed.clean, performed.blink, performed.look
        return found | listening_figures(performed.fps, *seen, performed.heard)
    found |= _head_figures(performed) | _brow_figures(performed) | _blink_figures(performed)
    if performed.prosody is not None:
        found |= _voice_figures(performed, performed.prosody)
    return found | events.glances(performed.look, performed.fps)


def _head_figures(performed: Performed) -> Card:
    head, fps = performed.clean, performed.fps
    yaw, pitch, roll = voice.deviations(head, fps)
    speed = voice.speed(head, fps)
    everything = np.ones(len(head), bool)
    said = performed.prosody
    spoken = everything if said is None else voice.speaking_frames(said, len(head), fps)
    return {
        "sd_pitch": pitch,
        "sd_yaw": yaw,
        "sd_roll": roll,
        "speed": median_of(speed[spoken]),
        "speed_p95": float(np.percentile(speed, 95)),
        "slope": voice.slope(head, fps),
        "ordinary": voice.share_of_power(head[:, 1], fps),
        "moving_speech": voice.moving(head, fps, spoken),
    }


def _voice_figures(performed: Performed, prosody: Prosody) -> Card:
    head, fps, seconds = performed.clean, performed.fps, performed.seconds
    own, strange = voice.correlations(head, fps, prosody)
    resting = voice.resting_frames(prosody, len(head), fps)
    onsets = [phrase.start for phrase in prosody.phrases if phrase.start < seconds]
    nodded = voice.nods(head[:, 1], fps)
    accents = [a.time for a in voice.prominent(prosody.accents, seconds) if a.time < seconds]
    answers = voice.near_any(nodded.times, accents, voice.NOD_NEAR)
    random_times = _random_times(seconds)
    return {
        "moving_pauses": voice.moving(head, fps, resting),
        "correlation": median_of(own),
        "correlation_strange": median_of(strange),
        "correlation_more": median_of(own) - median_of(strange),
        "led": voice.led(head, fps, onsets),
        "led_random": voice.led(head, fps, random_times),
        "nods": voice.share_near(nodded.times, accents, voice.NOD_NEAR),
        "nods_random": voice.share_near(nodded.times, random_times, voice.NOD_NEAR),
        "nod_degrees": median_of(nodded.degrees[answers]),
        "nod_seconds": median_of(nodded.seconds[answers]),
    }


def _brow_figures(performed: Performed) -> Card:
    raised = events.raises(performed.brow, performed.fps)
    accents = performed.prosody.accents if performed.prosody else ()
    return {
        "brows": 60 * len(raised.times) / performed.seconds,
        "brows_early": events.early(raised, accents),
        "brow_seconds": median_of(raised.seconds),
    }


def _blink_figures(performed: Performed) -> Card:
    times = events.blink_times(performed.blink, performed.fps)
    found = {
        "blinks": 60 * len(times) / performed.seconds,
        "blinks_vary": events.variation(times),
    }
    if performed.prosody is not None:
        ends = np.array([phrase.end for phrase in performed.prosody.phrases])
        found["blinks_near"] = voice.share_near(ends, times.tolist(), END_SECONDS)
        random_times = _random_times(performed.seconds)
        found["blinks_random"] = voice.share_near(ends, random_times, END_SECONDS)
    return found


def _random_times(seconds: float) -> list[float]:
    """Times in a recording, always the same ones."""
    return np.random.default_rng(0).uniform(0, seconds, RANDOM_TIMES).tolist()


def takes_apart(one: Performed, other: Performed, strange: Performed) -> float:
    """Mean distance of two takes' heads over that of a take's and another voice's."""

    def apart(a: Floats, b: Floats) -> float:
        count = min(len(a), len(b))
        return float(np.linalg.norm(a[:count] - b[:count], axis=1).mean())

    return apart(one.head, other.head) / max(apart(one.head, strange.head), 1e-9)


def medians(cards: list[Card]) -> Card:
    """The median of each row, leaving out cards that have no figure there."""
    return {name: median_of([c[name] for c in cards]) for name in BY_NAME}
