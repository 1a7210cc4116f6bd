"""The dominance model that phonetics alone suggests: where fitting starts, and what it is
compared with.

Jaw heights follow vowel height, rounding and spreading the vowel chart; for a consonant only the
articulators that make it count much, the others are left to its neighbours.
"""

import torch

from audio2mesh.corpus.dominance import CHANNELS, GLIDES, DominanceModel
from audio2mesh.data.phones import PHONES, SILENCE, VOWELS

_TARGETS: dict[str, dict[str, float]] = {
    "AA": {"jawOpen": 0.50, "mouthLowerDown": 0.15, "mouthUpperUp": 0.05},
    "AE": {"jawOpen": 0.44, "mouthLowerDown": 0.20, "mouthUpperUp": 0.10, "mouthStretch": 0.12},
    "AH": {"jawOpen": 0.34, "mouthLowerDown": 0.12, "mouthUpperUp": 0.04},
    "AO": {"jawOpen": 0.40, "mouthFunnel": 0.35, "mouthPucker": 0.30},
    "EH": {"jawOpen": 0.33, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08, "mouthStretch": 0.12},
    "ER": {"jawOpen": 0.20, "mouthFunnel": 0.25, "mouthPucker": 0.22},
    "IH": {"jawOpen": 0.20, "mouthLowerDown": 0.15, "mouthUpperUp": 0.06, "mouthStretch": 0.15},
    "IY": {
        "jawOpen": 0.12,
        "mouthLowerDown": 0.20,
        "mouthUpperUp": 0.10,
        "mouthSmile": 0.16,
        "mouthStretch": 0.22,
    },
    "UH": {"jawOpen": 0.18, "mouthFunnel": 0.22, "mouthPucker": 0.45},
    "UW": {"jawOpen": 0.12, "mouthFunnel": 0.22, "mouthPucker": 0.75},
    "B": {"jawOpen": 0.06, "mouthPress": 0.12},
    "P": {"jawOpen": 0.06, "mouthPress": 0.12},
    "M": {"jawOpen": 0.06, "mouthPress": 0.12},
    "F": {"jawOpen": 0.15, "mouthRollLower": 0.70, "mouthUpperUp": 0.55},
    "V": {"jawOpen": 0.15, "mouthRollLower": 0.65, "mouthUpperUp": 0.50},
    "W": {"jawOpen": 0.10, "mouthFunnel": 0.20, "mouthPucker": 0.80},
    "R": {"jawOpen": 0.14, "mouthFunnel": 0.28, "mouthPucker": 0.35},
    "SH": {"jawOpen": 0.09, "mouthFunnel": 0.40, "mouthPucker": 0.35},
    "S": {"jawOpen": 0.06, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08, "mouthStretch": 0.10},
    "T": {"jawOpen": 0.10, "mouthLowerDown": 0.10, "mouthUpperUp": 0.04},
    "TH": {"jawOpen": 0.26, "mouthLowerDown": 0.35, "tongueOut": 0.70},
    "DH": {"jawOpen": 0.24, "mouthLowerDown": 0.30, "tongueOut": 0.65},
    "L": {"jawOpen": 0.20, "mouthLowerDown": 0.10, "tongueOut": 0.30},
    "N": {"jawOpen": 0.13, "mouthLowerDown": 0.08, "tongueOut": 0.25},
    "K": {"jawOpen": 0.17},
    "Y": {"jawOpen": 0.12, "mouthLowerDown": 0.10, "mouthStretch": 0.15},
    "HH": {"jawOpen": 0.22},
}
_LIKE = {"ZH": "SH", "CH": "SH", "JH": "SH", "Z": "S", "D": "T", "G": "K", "NG": "K"}

_STRONG = {
    "B": ("jawOpen", "mouthPress", "mouthFunnel", "mouthLowerDown", "mouthUpperUp"),
    "F": ("jawOpen", "mouthRollLower", "mouthUpperUp", "mouthLowerDown", "mouthFunnel"),
    "W": ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile"),
    "SH": ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile"),
    "R": ("mouthPucker", "mouthFunnel"),
    "S": ("jawOpen", "mouthLowerDown"),
    "TH": ("jawOpen", "tongueOut"),
    "L": ("tongueOut",),
    "Y": ("mouthStretch",),
}
_STRONG_LIKE = {
    **{"P": "B", "M": "B", "V": "F", "DH": "TH", "N": "L"},
    **{"ZH": "SH", "CH": "SH", "JH": "SH", "Z": "S"},
}

_FULL, _PARTIAL, _WEAK = 1.0, 0.5, 0.2  # magnitudes α
_LIP_RATE, _TONGUE_RATE, _SILENCE_RATE = 28.0, 45.0, 30.0  # 1/s
_LEAD = 0.02  # seconds


def table_model() -> DominanceModel:
    """The model before any fit."""
    phones = tuple(phone for phone in PHONES if phone not in GLIDES)
    target = torch.tensor([[_target(p, c) for c in CHANNELS] for p in phones])
    magnitude = torch.tensor([[_magnitude(p, c) for c in CHANNELS] for p in phones])
    rate = torch.tensor([[_rate(p, c) for c in CHANNELS] for p in phones])
    return DominanceModel(
        phones, target, magnitude, rate, rate.clone(), torch.full((len(CHANNELS),), _LEAD)
    )


def _target(phone: str, channel: str) -> float:
    return _TARGETS.get(_LIKE.get(phone, phone), {}).get(channel, 0.0)


def _magnitude(phone: str, channel: str) -> float:
    if phone == SILENCE or phone in VOWELS:
        return _FULL
    if channel in _STRONG.get(_STRONG_LIKE.get(phone, phone), ()):
        return _FULL
    return _PARTIAL if channel == "jawOpen" else _WEAK


def _rate(phone: str, channel: str) -> float:
    if phone == SILENCE:
        return _SILENCE_RATE
    return _TONGUE_RATE if channel == "tongueOut" else _LIP_RATE
