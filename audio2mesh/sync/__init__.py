"""SyncNet3D: whether a mouth belongs to a sound, as a training loss and as a measure."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from audio2mesh.sync.critic import load_syncnet as load_syncnet
    from audio2mesh.sync.critic import save_syncnet as save_syncnet
    from audio2mesh.sync.critic import sync_critic as sync_critic
    from audio2mesh.sync.network import SyncNet3D as SyncNet3D
    from audio2mesh.sync.offsets import OffsetScore as OffsetScore
    from audio2mesh.sync.offsets import find_offsets as find_offsets
    from audio2mesh.sync.offsets import lse as lse
    from audio2mesh.sync.offsets import offset_score as offset_score
    from audio2mesh.sync.options import Role as Role
    from audio2mesh.sync.options import SyncNetOptions as SyncNetOptions
else:
    __getattr__ = lazy_names(__file__)
