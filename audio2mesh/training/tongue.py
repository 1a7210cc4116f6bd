"""Train the tongue by itself: one more linear map from the decoder's last block, by least squares.

Lips, jaw and all other weights stay as they are; every speaking style gets the same map.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import MM, FaceGeometry
from audio2mesh.data.sources import TrainingData
from audio2mesh.model.checkpoint import save_model
from audio2mesh.model.decoder import Decoder
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.batches import Pass
from audio2mesh.training.losses import EXPECTILE, lip_gram
from audio2mesh.training.motion_task import pass_encoder, phoned_clips
from audio2mesh.training.options import FitOptions
from audio2mesh.training.run import Scores, new_model, score_clips
from common.errors import InputError
from common.network_files import training_record
from common.progress import progress_bar

STILL = 1e-6  # of the lips' mean motion: how little of it goes with the tongue
RIDGE = 1e-3  # of the mean square of what is heard
ROUNDS = 12


def fit_tongue(options: FitOptions, out: Path, data: TrainingData, device: torch.device) -> Scores:
    """Write the weights of --start with a tongue taught; returns the scores of the held-out clips.

    InputError without such weights, or where neither face nor clips tell of a tongue.
    """
    if options.start is None:
        raise InputError("--tongue-only teaches the tongue of weights; name them by --start")
    phoned = phoned_clips(data.training)
    if not (phoned and len(data.face.tongue)):
        raise InputError("--tongue-only takes clips with phones of a head that has a tongue")
    model, train = new_model(options, data).to(device).eval(), options.train
    encode = pass_encoder(model, data.training, data.weights, train, options.cache)
    face = data.face.to(device)
    with progress_bar("hearing", train.passes, "passes/s") as show:

        def heard() -> Iterator[Pass]:
            for number in range(train.passes):
                yield encode(number)
                show()

        model = with_tongue(model, heard(), {*phoned, ""}, face)
    scores = score_clips(model, data.held, data.face)
    save_model(model, out, _record(options, data) | {"scores": scores})
    return scores


def with_tongue(
    model: SpeechToMotion, passes: Iterable[Pass], names: set[str], face: FaceGeometry
) -> SpeechToMotion:
    """The model with a tongue that comes out as it does in the windows of clips named so.

    Its map is the expectile regression (Newey and Powell 1987) of how far the tip stays behind.
    """
    forward = model.basis[:, face.tongue, 2].mean(1)  # [K] metres of reach
    heard, behind = [], []
    for encoded in passes:
        for row, name in enumerate(encoded.clips):
            if name in names:
                said, before = _spoken(model, encoded, row)
                true = encoded.coefficients[row].to(before)
                known = encoded.heard[row].to(before.device)
                heard.append(said[known])
                behind.append(((true - before) @ forward)[known])
    found = expectile_map(torch.cat(heard), torch.cat(behind))
    return _with_map(model, torch.outer(tongue_way(model, face), found))


@torch.no_grad()
def _spoken(model: SpeechToMotion, encoded: Pass, row: int) -> tuple[Tensor, Tensor]:
    """What the last block says [F, W] of a window in its style, and the coefficients [F, K]."""
    decoder = model.decoder
    assert isinstance(decoder, Decoder)
    device = model.basis.device
    features = encoded.features[row, None].to(device).float()
    features, style = model.standardised(features).flatten(2), encoded.styles[row, None].to(device)
    return decoder.hidden(features, style)[0], decoder(features, style)[0]


def tongue_way(model: SpeechToMotion, face: FaceGeometry) -> Tensor:
    """Coefficients [K] that bring the tip of the tongue forward by a metre and leave the lips."""
    forward = model.basis[:, face.tongue, 2].mean(1).double()
    gram = (MM**2 * lip_gram(model.basis, face)).double()
    still = gram + STILL * gram.diagonal().mean() * torch.eye(len(gram)).to(gram)
    found = torch.linalg.solve(still, forward)
    return (found / (found @ forward)).float()


def expectile_map(heard: Tensor, wanted: Tensor) -> Tensor:
    """The vector [W] whose product with heard [n, W] is the `EXPECTILE` of wanted [n]."""
    x, y = heard.double(), wanted.double()
    ridge = RIDGE * x.square().mean() * len(x) * torch.eye(x.shape[1]).to(x)
    found = torch.zeros(x.shape[1]).to(x)
    for _ in range(ROUNDS):
        weight = torch.where(y > x @ found, EXPECTILE, 1 - EXPECTILE)[:, None]
        found = torch.linalg.solve(x.T @ (weight * x) + ridge, x.T @ (weight[:, 0] * y))
    return found.float()


def _with_map(model: SpeechToMotion, change: Tensor) -> SpeechToMotion:
    """The model with a linear map [K, W] added in every speaking style."""
    options = replace(model.options, decoder=replace(model.options.decoder, habits=True))
    found = SpeechToMotion(model.encoder, model.basis, model.topology, model.styles, options)
    state = dict(model.state_dict())
    none = torch.zeros(len(model.styles), change.numel()).to(change)
    maps = state.get("decoder.habits.weight", none)
    found.load_state_dict(state | {"decoder.habits.weight": maps + change.flatten()})
    return found.to(change.device).eval()


def _record(options: FitOptions, data: TrainingData) -> dict[str, Any]:
    """What the weights say of their training, and of what taught their tongue."""
    assert options.start is not None
    train = options.train
    record = {"data": data.record, "windows": train.windows, "passes": train.passes}
    record |= {"seed": train.seed, "augment": asdict(train.augment)}
    return training_record(options.start) | {"taught the tongue": record}
