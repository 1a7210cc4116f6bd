"""Codecs of a film's pictures and sound, and their quality."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Codecs:
    picture: str
    picture_options: dict[str, str]
    sound: str
    sound_options: dict[str, str]
    sound_bits: int  # per second
    container_options: dict[str, str]
    pixels: str = "yuv420p"
    metadata: Mapping[str, str] = field(default_factory=dict)  # of the pictures


MP4 = Codecs(
    picture="libx264",
    picture_options={
        "preset": "superfast",
        "crf": "18",
        "x264-params": "weightp=0:b-adapt=0",  # for fades, which heads do not have, and few bytes
    },
    sound="aac",
    sound_options={"aac_coder": "fast"},
    sound_bits=160_000,
    container_options={"movflags": "+faststart"},
)

WEBM = Codecs(
    picture="libvpx-vp9",
    picture_options={
        "deadline": "realtime",
        "cpu-used": "6",
        "crf": "24",
        "b": "0",
        "row-mt": "1",
        "tile-columns": "1",
    },
    sound="libopus",
    sound_options={},
    sound_bits=128_000,
    container_options={},
)
WEBM_ALPHA = replace(WEBM, pixels="yuva420p", metadata={"alpha_mode": "1"})

MOV = Codecs(
    picture="prores_ks",
    picture_options={"profile": "4444", "vendor": "apl0"},
    sound="pcm_s16le",
    sound_options={},
    sound_bits=0,
    container_options={},
    pixels="yuv444p10le",
)
"""ProRes 4444, for editing."""
MOV_ALPHA = replace(MOV, pixels="yuva444p10le")

CODECS = {
    (".mp4", False): MP4,
    (".webm", False): WEBM,
    (".webm", True): WEBM_ALPHA,
    (".mov", False): MOV,
    (".mov", True): MOV_ALPHA,
}
"""By the suffix of a film, and whether it is transparent."""
