import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from speech_models import CONFIGS, tiny_encoder
from transformers import MoonshineConfig, MoonshineModel, PreTrainedModel

from audio2mesh.model.encoder import SpeechEncoder, build_encoder, load_encoder
from audio2mesh.model.moonshine import Moonshine
from audio2mesh.model.pretrained import empty_network
from audio2mesh.sound import SAMPLE_RATE


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("samples", [895, 4_001, 16_000, 20_479, 20_480])
def test_step_arithmetic_is_what_the_model_returns(family, samples):
    encoder = tiny_encoder(family)
    states = encoder(torch.randn(2, samples))
    assert states.shape == (2, encoder.steps(samples), 2, 32)


def test_published_hop_and_field():
    assert (tiny_encoder("wav2vec2").hop, tiny_encoder("wav2vec2").receptive_field) == (320, 400)
    assert (tiny_encoder("moonshine").hop, tiny_encoder("moonshine").receptive_field) == (384, 895)
    times = tiny_encoder("moonshine").step_times(2)
    assert times.tolist() == pytest.approx([0.0279375, 0.0519375])


@pytest.mark.parametrize("family", CONFIGS)
def test_step_sees_exactly_its_field(family):
    """Before attention, step i depends on samples [hop i, hop i + field) alone."""
    encoder = tiny_encoder(family, (0,))
    i, extent = 3, encoder.receptive_field
    audio = torch.randn(1, 8 * encoder.hop + extent, requires_grad=True)
    convolved = _convolve(encoder, audio)
    assert convolved.shape[-1] == encoder.steps(audio.shape[1])
    (gradient,) = torch.autograd.grad(convolved[0, :, i].square().sum(), audio)
    seen = gradient[0].nonzero().flatten() / SAMPLE_RATE
    centre = (seen[0] + seen[-1]) / 2
    assert centre == pytest.approx(float(encoder.step_times(i + 1)[i]), abs=1.5 / SAMPLE_RATE)
    assert seen[-1] - seen[0] <= extent / SAMPLE_RATE


def _convolve(encoder, audio):
    """The convolutions alone; group norms, which see the whole window, are left out."""
    net = encoder.net
    if encoder.family == "moonshine":
        return net.conv3(net.conv2(net.conv1(audio[:, None])))
    x = audio[:, None]
    for layer in net.feature_extractor.conv_layers:
        x = layer.conv(x)
    return x


@pytest.mark.parametrize("family", CONFIGS)
def test_layers_agree_with_transformers_hidden_states(family):
    audio = torch.randn(1, 8_000)
    encoder = tiny_encoder(family, (0, 1, 2))
    three = tiny_encoder(family, (3,))
    three.net.load_state_dict(encoder.net.state_dict(), strict=False)
    whole = _theirs(three)
    hidden = whole(_normalised(audio, encoder), output_hidden_states=True).hidden_states
    states = encoder(audio)
    for layer in (0, 1, 2):
        torch.testing.assert_close(states[:, :, layer], hidden[layer], atol=1e-5, rtol=1e-4)


def _theirs(encoder: SpeechEncoder) -> PreTrainedModel:
    """The network of transformers with the weights of an encoder."""
    net = empty_network(encoder.spec.config).eval()
    unknown = net.load_state_dict(encoder.net.state_dict(), strict=False)
    assert not unknown.unexpected_keys and set(unknown.missing_keys) <= {"layer_norm.weight"}
    return net


def _normalised(audio, encoder):
    return (audio - audio.mean()) / audio.std(correction=0) if encoder.normalise else audio


@pytest.mark.parametrize("family", CONFIGS)
def test_normalisation_makes_the_level_irrelevant_where_it_is_asked_for(family):
    encoder, audio = tiny_encoder(family), torch.randn(1, 8_000)
    same = torch.allclose(encoder(audio), encoder(0.2 * audio + 0.01), atol=1e-3)
    assert same == encoder.normalise


@pytest.mark.parametrize("family", CONFIGS)
def test_rebuilds_from_its_spec(family):
    encoder, audio = tiny_encoder(family), torch.randn(1, 4_000)
    copy = build_encoder(encoder.spec)
    copy.load_state_dict(encoder.state_dict())
    assert torch.equal(copy(audio), encoder(audio))


@pytest.mark.parametrize("family", CONFIGS)
def test_opens_a_local_folder(family, tmp_path):
    encoder, audio = tiny_encoder(family, (1, 3)), torch.randn(1, 4_000)
    _theirs(encoder).save_pretrained(tmp_path)
    opened = load_encoder(tmp_path, (1, 3))
    assert opened.normalise == (family != "moonshine")
    assert torch.equal(opened(audio), encoder(audio))


@pytest.mark.parametrize("family", CONFIGS)
def test_two_threads_may_use_one_encoder_at_once(family):
    encoder, sounds = tiny_encoder(family, (0, 1, 2)), torch.randn(2, 1, 8_000)
    expected = [encoder(sound) for sound in sounds]
    meeting = threading.Barrier(2, timeout=20)  # neither leaves its last block before both are in

    def meet(*_: object) -> None:
        meeting.wait()

    name = "layers.1" if family == "moonshine" else "encoder.layers.1"
    encoder.net.get_submodule(name).register_forward_pre_hook(meet)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(encoder, sounds))
    torch.testing.assert_close(together, expected)


def test_opens_the_encoder_of_a_whole_moonshine(tmp_path):
    config = MoonshineConfig(**CONFIGS["moonshine"][0].to_diff_dict())
    whole, audio = MoonshineModel(config).eval(), torch.randn(1, 4_000)
    whole.save_pretrained(tmp_path)
    hidden = whole.get_encoder()(audio, output_hidden_states=True).hidden_states
    torch.testing.assert_close(load_encoder(tmp_path, (2,))(audio)[:, :, 0], hidden[2])


@pytest.mark.parametrize(
    "changed",
    [
        {"encoder_hidden_act": "relu"},
        {"attention_bias": True},
        {"encoder_num_key_value_heads": 2},
        {"rope_parameters": {"rope_type": "linear"}},
    ],
)
def test_a_moonshine_of_another_kind_is_refused(changed):
    config = CONFIGS["moonshine"][0].to_diff_dict() | changed
    with pytest.raises(ValueError, match=r"Moonshine with .* is not known here"):
        Moonshine(config)


def test_stays_in_evaluation_mode():
    encoder, audio = tiny_encoder("wavlm").train(), torch.randn(1, 4_000)
    assert torch.equal(encoder(audio), encoder(audio))
    assert not any(p.requires_grad for p in encoder.parameters())


def test_unknown_layer_folder_and_family_are_named(tmp_path):
    with pytest.raises(ValueError, match="blocks 0 to 3"):
        tiny_encoder("hubert", (4,))
    with pytest.raises(OSError, match="no speech encoder could be opened"):
        load_encoder(tmp_path / "absent", (1,))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="type 'bert'"):
        load_encoder(tmp_path, (1,))
