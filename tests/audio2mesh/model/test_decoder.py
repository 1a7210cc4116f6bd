import torch

from audio2mesh.model.decoder import Decoder, distance_bias
from audio2mesh.model.options import DecoderOptions

SMALL = DecoderOptions(width=16, layers=2, heads=2, period=4)


def test_is_zero_when_new():
    decoder = Decoder(10, 6, 2, SMALL)
    assert decoder(torch.randn(2, 30, 10), torch.tensor([0, 1])).abs().max() == 0


def _stirred() -> Decoder:
    torch.manual_seed(0)
    decoder = Decoder(10, 6, 3, SMALL).eval()
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return decoder


def test_style_changes_the_motion():
    decoder, features = _stirred(), torch.randn(1, 30, 10)
    one, other = (decoder(features, torch.tensor([style])) for style in (1, 2))
    assert (one - other).abs().max() > 0.01


def test_bias_against_its_formula():
    near = torch.randn(2, 9)
    bias = distance_bias(13, 4, near)
    for head, slope in enumerate((2**-4, 2**-8)):
        for i in range(13):
            for j in range(13):
                d = i - j
                expected = near[head, max(-4, min(4, d)) + 4] - slope * (abs(d) // 4)
                assert torch.isclose(bias[head, i, j], expected)


def test_frames_are_told_apart_by_distance_alone():
    """A pattern in the middle of constant features gives the same motion wherever it lies."""
    decoder, pattern = _stirred(), torch.randn(3, 10)

    def respond(start: int) -> torch.Tensor:
        features = torch.zeros(1, 60, 10)
        features[0, start : start + 3] = pattern
        return decoder(features, torch.tensor([0]))[0, start - 5 : start + 8]

    # the ends of the window are still seen, weakly, through attention
    assert (respond(28) - respond(31)).abs().max() < 0.1 * respond(28).std()
