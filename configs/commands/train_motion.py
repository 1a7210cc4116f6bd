"""Train speech-to-motion weights on clips of speech with face motion."""

from audio2mesh.training.run import fit
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from configs.joint import JointOptions, critic_factories


def main(options: JointOptions) -> None:
    head = load_head(options.head)
    fit(options, face_units(head), face_geometry(head), critic_factories(options, head))
