"""The baseline against FaceFormer spelled out: torch's decoder layer, full masks, no memory."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import cast

import pytest
import torch
from speech_models import tiny_model
from torch import Tensor, nn

from audio2mesh.model.baseline import (
    LONGEST,
    AutoregressiveDecoder,
    CausalBlock,
    causal_bias,
    periodic_code,
)
from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.options import DecoderOptions
from audio2mesh.model.speech_to_motion import SpeechToMotion

OPTIONS = DecoderOptions(kind="faceformer", width=16, layers=2, heads=2, period=4)


def stirred(options: DecoderOptions = OPTIONS) -> AutoregressiveDecoder:
    torch.manual_seed(0)
    decoder = AutoregressiveDecoder(10, 6, 3, options).eval()
    for name, parameter in decoder.named_parameters():
        if "norms" not in name:
            nn.init.normal_(parameter, std=0.3)
    return decoder


def test_is_zero_when_new():
    decoder = AutoregressiveDecoder(10, 6, 2, OPTIONS)
    assert decoder(torch.randn(2, 30, 10), torch.tensor([0, 1])).abs().max() == 0


def as_torch(block: CausalBlock, options: DecoderOptions) -> nn.TransformerDecoderLayer:
    """Torch's layer with a block's weights; the queries and keys of speech do not matter."""
    width = options.width
    layer = nn.TransformerDecoderLayer(width, options.heads, 2 * width, batch_first=True).eval()
    own = layer.self_attn
    own.in_proj_weight.data, own.in_proj_bias.data = block.qkv.weight, block.qkv.bias
    own.out_proj.load_state_dict(block.merge.state_dict())
    cross = layer.multihead_attn
    cross.in_proj_weight.data[2 * width :] = block.value.weight
    cross.in_proj_bias.data[2 * width :] = block.value.bias
    cross.out_proj.load_state_dict(block.merge_value.state_dict())
    layer.linear1.load_state_dict(block.widen.state_dict())
    layer.linear2.load_state_dict(block.narrow.state_dict())
    for norm, ours in zip((layer.norm1, layer.norm2, layer.norm3), block.norms, strict=True):
        norm.load_state_dict(ours.state_dict())
    return layer


def biased_mask(frames: int, heads: int, period: int) -> Tensor:
    """[H, F, F], entry by entry."""
    mask = torch.full((heads, frames, frames), -torch.inf)
    for head in range(heads):
        for i in range(frames):
            for j in range(i + 1):
                mask[head, i, j] = -(2.0 ** (-8 * (head + 1) / heads)) * ((i - j) // period)
    return mask


def faceformer(
    decoder: AutoregressiveDecoder, options: DecoderOptions, features: Tensor, style: Tensor
) -> Tensor:
    """All frames made so far go through the whole decoder again for each new frame."""
    blocks = cast(Sequence[CausalBlock], decoder.blocks)
    layers = [as_torch(block, options) for block in blocks]
    memory, style_row = decoder.speech(features), decoder.style(style)[:, None]
    inputs = style_row
    frames = features.shape[1]
    for count in range(1, frames + 1):
        x = inputs + periodic_code(count, options.width, options.period)
        bias = biased_mask(count, options.heads, options.period).repeat(len(features), 1, 1)
        diagonal = torch.full((count, frames), -torch.inf)
        diagonal[range(count), range(count)] = 0
        for layer in layers:
            x = layer(x, memory, tgt_mask=bias, memory_mask=diagonal)
        made = decoder.output(x)
        inputs = torch.cat([style_row, decoder.made(made) + style_row], 1)
    return made


@torch.no_grad()
def test_keeping_keys_gives_what_starting_over_gives():
    decoder, features, style = stirred(), torch.randn(2, 13, 10), torch.tensor([0, 2])
    expected = faceformer(decoder, OPTIONS, features, style)
    torch.testing.assert_close(decoder(features, style), expected, atol=1e-5, rtol=1e-4)
    assert expected.std() > 0.1


def test_bias_against_its_formula():
    expected = biased_mask(13, 2, 4)
    for frames in (1, 5, 13):
        assert torch.equal(causal_bias(frames, 2, 4), expected[:, frames - 1, :frames])


def test_the_position_code_repeats_with_its_period():
    code = periodic_code(13, 16, 4)
    assert torch.equal(code[:4], code[4:8]) and torch.equal(code[:5], code[8:13])
    assert (code[1:4] - code[0]).abs().amax(1).min() > 0.5


@torch.no_grad()
def test_the_future_does_not_change_the_past():
    decoder, features, style = stirred(), torch.randn(1, 20, 10), torch.tensor([1])
    other = features.clone()
    other[:, 12:] += 1
    one, changed = decoder(features, style)[0], decoder(other, style)[0]
    torch.testing.assert_close(one[:12], changed[:12])
    assert (one[12:] - changed[12:]).abs().amax(1).min() > 1e-3
    torch.testing.assert_close(decoder(features[:, :12], style)[0], one[:12])


@torch.no_grad()
def test_what_was_made_is_heard_of_later():
    decoder, features = stirred(), torch.randn(1, 20, 10)
    other = features.clone()
    other[:, 0] += 1
    one, changed = (decoder(f, torch.tensor([1]))[0] for f in (features, other))
    assert (one[1:] - changed[1:]).abs().max() > 1e-3


@torch.no_grad()
def test_styles_differ():
    decoder, features = stirred(), torch.randn(1, 10, 10)
    one, other = (decoder(features, torch.tensor([style])) for style in (1, 2))
    assert (one - other).abs().max() > 0.01


def test_more_than_600_frames_are_refused():
    decoder, style = AutoregressiveDecoder(2, 1, 1, replace(OPTIONS, layers=1)), torch.tensor([0])
    with torch.no_grad():
        assert decoder(torch.zeros(1, LONGEST, 2), style).shape == (1, LONGEST, 1)
    with pytest.raises(ValueError, match="at most 600 frames in one go, but 601 were asked for"):
        decoder(torch.zeros(1, LONGEST + 1, 2), style)


def test_gradients_reach_back_through_what_was_made():
    decoder, features = stirred(), torch.randn(1, 8, 10, requires_grad=True)
    decoder(features, torch.tensor([0]))[:, -1].sum().backward()
    assert features.grad is not None and (features.grad.abs().amax((0, 2)) > 0).all()


def test_is_stored_and_opened_like_any_decoder(tmp_path):
    tiny = tiny_model()
    options = replace(tiny.options, decoder=replace(OPTIONS, layers=1))
    model = SpeechToMotion(tiny.encoder, tiny.basis, "tiny", tiny.styles, options).eval()
    nn.init.normal_(model.decoder.output.weight)
    path = tmp_path / "baseline.safetensors"
    save_model(model, path, {})
    opened = load_model(path)
    assert isinstance(opened.decoder, AutoregressiveDecoder)
    assert asdict(opened.options) == asdict(options)
    audio = 0.1 * torch.randn(1, model.window_samples, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = (m(audio, torch.tensor([1])) for m in (model, opened))
    assert (before - after).abs().max() < 0.02 * before.abs().max()  # half precision on disk
