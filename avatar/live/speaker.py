"""What all sessions of one avatar share, read-only."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from audio2mesh import SpeechToMotion
from avatar.behaviour.blinks import unit_offsets
from avatar.behaviour.emotion_face import LiveEmotion
from avatar.behaviour.emotion_timeline import EmotionTimeline
from avatar.behaviour.motion import COLUMNS, Behaviour
from avatar.behaviour.performance import LiveLife, life_of_rows
from avatar.drive.emotion import style_with_emotion
from avatar.heads import load_head
from avatar.retarget.fitted_face import Face

POSE = 7
"""Numbers of a head's pose at the end of a row: a quaternion xyzw and a shift, in the unit and the
space of the avatar's mesh."""
FORESEEN = 60.0
"""Seconds of a conversation over which the effect of emotions on the style is averaged."""


@dataclass(frozen=True)
class Speaker:
    """A face, and how it speaks."""

    model: SpeechToMotion
    face: Face
    basis: Tensor  # [K, V, 3] the model's, on the mesh of the face
    behaviour: Behaviour | None
    """None: a still head"""
    style: str | None = None
    """of the weights"""
    emotions: EmotionTimeline = ()

    @cached_property
    def mouth_names(self) -> tuple[str, ...]:
        """[C] of the columns of the mouth: speech, and what emotions add to it."""
        emotion = self.live_emotion()
        return (
            *(f"speech_{k:02d}" for k in range(len(self.basis))),
            *(emotion.names if emotion else ()),
        )

    @cached_property
    def unit_names(self) -> tuple[str, ...]:
        """[U] of the columns after them: the other units of life and emotions."""
        names: list[str] = []
        if self.behaviour is not None:
            none = np.zeros((0, COLUMNS))
            names += life_of_rows(none, self.face.head.pivot, listens=True).unit_weights
        if emotion := self.live_emotion():
            names += [name for name in emotion.beside(0) if name not in names]
        return tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """[C + U] of a row's columns without the pose."""
        return (*self.mouth_names, *self.unit_names)

    def directions(self) -> Tensor:
        """[C + U, V, 3] offsets of a weight of 1 in each column."""
        emotion = self.live_emotion()
        mouth = torch.cat([self.basis, emotion.basis]) if emotion else self.basis
        units = [unit_offsets(self.face, name)[None] for name in self.unit_names]
        return torch.cat([mouth, *units])

    @cached_property
    def rest(self) -> Tensor:
        """[C + U + POSE] the row of a silent mouth on a head at rest."""
        row = torch.zeros(len(self.names) + POSE)
        row[-POSE + 3] = 1
        if emotion := self.live_emotion():
            mouth, beside = emotion.push(torch.zeros(1, len(self.basis)))
            row[: mouth.shape[1]] = mouth[0]
            for name, weight in beside.items():
                row[self.names.index(name)] = weight[0]
        return row

    def live_emotion(self) -> LiveEmotion | None:
        """The emotions, from their start on."""
        if not self.emotions:
            return None
        return LiveEmotion(self.face, self.basis, self.emotions, float(self.model.fps))

    def life(self, turn: int, answers: bool = False) -> LiveLife | None:
        """Head, eyes, brows and lids, from their start on; each turn is another take. answers:
        whether another has spoken just before."""
        if self.behaviour is None:
            return None
        style = style_with_emotion(self.behaviour.style, self.emotions, FORESEEN)
        behaviour = replace(self.behaviour, style=style, take=self.behaviour.take + turn)
        return LiveLife(float(self.model.fps), load_head().pivot, behaviour, answers)
