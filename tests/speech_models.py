"""Models of a few channels and made-up clips, for quick tests of audio2mesh."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import HubertConfig, MoonshineConfig, Wav2Vec2Config, WavLMConfig

from audio2mesh.data.clips import Clip
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.encoder import EncoderSpec, SpeechEncoder, build_encoder
from audio2mesh.model.motion import Motion
from audio2mesh.model.options import DecoderOptions, ModelOptions, WindowOptions
from audio2mesh.model.speech_to_motion import SpeechToMotion

VERTICES = 12
_WAV2VEC2: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embedding_groups": 4,
}
_MOONSHINE: dict[str, Any] = {
    "hidden_size": 32,
    "encoder_num_hidden_layers": 3,
    "encoder_num_attention_heads": 4,
    "encoder_num_key_value_heads": 4,
    "decoder_num_attention_heads": 4,  # transformers 4 and 5.0 use these in the encoder, too
    "decoder_num_key_value_heads": 4,
    "intermediate_size": 48,
}
CONFIGS = {
    "wav2vec2": (Wav2Vec2Config(**_WAV2VEC2), True),
    "hubert": (HubertConfig(**_WAV2VEC2), True),
    "wavlm": (WavLMConfig(**_WAV2VEC2), True),
    "moonshine": (MoonshineConfig(**_MOONSHINE), False),
}


def tiny_encoder(family: str = "moonshine", layers: tuple[int, ...] = (1, 2)) -> SpeechEncoder:
    config, normalise = CONFIGS[family]
    torch.manual_seed(0)
    encoder = build_encoder(EncoderSpec(config.to_diff_dict(), layers, normalise))
    if family == "moonshine":  # transformers' networks start like this themselves
        for parameter in encoder.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=config.initializer_range)
    return encoder


def tiny_model(moving: bool = False, fps: int = 25) -> SpeechToMotion:
    """Windows of 50 frames with 10 of context; `moving` gives the zero layer random weights."""
    options = ModelOptions(
        fps=fps,
        window=WindowOptions(frames=50, margin=10, fade=6),
        decoder=DecoderOptions(width=16, layers=1, heads=2, period=5),
    )
    encoder = tiny_encoder()
    basis = torch.linalg.qr(torch.randn(3 * VERTICES, 4))[0].T.unflatten(1, (-1, 3)) * 0.01
    model = SpeechToMotion(encoder, basis.contiguous(), "tiny", ("neutral", "loud"), options)
    if moving:
        torch.nn.init.normal_(model.decoder.output.weight)
    return model.eval()


def syllables(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Buzzing syllables between pauses, and their loudness [S] in [0, 1]."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 16_000)) / 16_000
    loudness = np.clip(np.sin(2 * np.pi * 1.3 * t + rng.uniform(0, 6)), 0, 1) ** 2
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    return (0.1 * loudness * buzz).astype(np.float32), loudness


def talking_clip(model: SpeechToMotion, name: str = "a", seconds: float = 9.0) -> Clip:
    """A clip at 30 fps whose first coefficient follows the loudness without lag."""
    audio, loudness = syllables(seconds)
    frames = round(seconds * 30)
    curve = np.interp(np.arange(frames) / 30, np.arange(len(loudness)) / 16_000, loudness)
    coefficients = torch.zeros(frames, len(model.basis))
    coefficients[:, 0] = torch.from_numpy(curve).float()
    return Clip(name, "loud", audio, Motion(coefficients, model.basis), 30.0, 0.0)


@pytest.fixture
def face() -> FaceGeometry:
    """A face of a few vertices."""
    rest = torch.randn(VERTICES, 3, generator=torch.Generator().manual_seed(1)) * 0.05
    rest[2:4] = rest[:2]  # sealed lips
    upper, lower = torch.tensor([0, 1]), torch.tensor([2, 3])
    upper_face, teeth, tongue = torch.arange(6, 9), torch.arange(9, 11), torch.tensor([11])
    return FaceGeometry(rest, torch.arange(6), upper, lower, upper_face, teeth, tongue)
