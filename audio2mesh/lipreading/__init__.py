"""Visual speech recognition: grey crops of a mouth in, phones out."""

from audio2mesh.lipreading.decoding import phone_error_rate as phone_error_rate
from audio2mesh.lipreading.decoding import read_phones as read_phones
from audio2mesh.lipreading.network import LipReadNet as LipReadNet
from audio2mesh.lipreading.network import features as features
from audio2mesh.lipreading.weights import load_lipreader as load_lipreader
