"""Training that begins from weights: the same model on the basis of other data."""

import torch
from torch import Tensor

from audio2mesh.data.sources import TrainingData
from audio2mesh.model.decoder import Decoder
from audio2mesh.model.motion import project
from audio2mesh.model.speech_to_motion import SpeechToMotion
from common.errors import InputError


def continued(model: SpeechToMotion, data: TrainingData) -> SpeechToMotion:
    """The model with its motion on the data's basis, and with the data's speaking styles besides
    its own, which begin as the neutral one.

    It moves as before as far as the data's motion spans that. InputError for weights of another
    topology, or of a kind that cannot be carried over.
    """
    if not isinstance(model.decoder, Decoder):
        raise InputError("--start: only weights of the kind learn2talk can be begun from")
    if model.topology != data.topology:
        raise InputError(
            f"--start: the weights move {model.topology} and the data {data.topology}; begin from"
            " weights of the same mesh"
        )
    basis = data.training[0].motion.basis
    new = sorted({clip.style for clip in data.training} - set(model.styles))
    styles = (*model.styles, *new)
    found = SpeechToMotion(model.encoder, basis, model.topology, styles, model.options)
    found.load_state_dict(_carried(model, project(model.basis, basis), len(new)) | {"basis": basis})
    return found


def _carried(model: SpeechToMotion, change: Tensor, new: int) -> dict[str, Tensor]:
    """The model's state where coefficients c are c · change [K, K'], with rows for new styles."""
    state = dict(model.state_dict())
    width = model.options.decoder.width
    state["decoder.output.weight"] = change.T @ state["decoder.output.weight"]
    state["decoder.output.bias"] = state["decoder.output.bias"] @ change
    per_style = ["decoder.style.weight"]
    if "decoder.habits.weight" in state:
        habits = state["decoder.habits.weight"].unflatten(1, (-1, width))  # [styles, K, W]
        state["decoder.habits.weight"] = (change.T @ habits).flatten(1)
        per_style.append("decoder.habits.weight")
    for name in per_style:
        state[name] = torch.cat([state[name], state[name][:1].expand(new, -1)])
    return state
