"""Motion for any mesh: fit anny-head to it, and carry offsets over by a linear operator."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.mesh.similarity import Similarity as Similarity
    from avatar.transfer.align import turned as turned
    from avatar.transfer.backward import transfer_from as transfer_from
    from avatar.transfer.cache import registered as registered
    from avatar.transfer.head_on_mesh import head_on as head_on
    from avatar.transfer.landmarks import read_landmarks as read_landmarks
    from avatar.transfer.operator import Transfer as Transfer
    from avatar.transfer.operator import transfer_to as transfer_to
    from avatar.transfer.registered_pair import to_head_space as to_head_space
    from avatar.transfer.registration import Registration as Registration
    from avatar.transfer.registration import register as register
else:
    __getattr__ = lazy_names(__file__)
