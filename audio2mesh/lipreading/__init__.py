"""Visual speech recognition: grey crops of a mouth in, phones out."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from audio2mesh.lipreading.decoding import phone_error_rate as phone_error_rate
    from audio2mesh.lipreading.decoding import read_phones as read_phones
    from audio2mesh.lipreading.network import LipReadNet as LipReadNet
    from audio2mesh.lipreading.network import features as features
    from audio2mesh.lipreading.network import load_lipreader as load_lipreader
else:
    __getattr__ = lazy_names(__file__)
