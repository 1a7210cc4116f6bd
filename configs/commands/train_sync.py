"""Train or test a SyncNet3D: does this mouth belong to this sound?"""

from audio2mesh.sync.fit import SyncFitOptions, fit_syncnet
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units


def main(options: SyncFitOptions) -> None:
    head = load_head()
    fit_syncnet(options, face_units(head), face_geometry(head))
