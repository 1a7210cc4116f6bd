"""While somebody still speaks, 0.4 s behind the sound, with head, eyes, brows and lids."""

from audio2mesh import load_audio
from avatar.live.host import load_speaker
from avatar.live.options import ServeOptions
from avatar.live.session import Session
from common.assets import DEMO_AVATAR, DEMO_VOICE

avatar, speaker = load_speaker(ServeOptions(avatar=DEMO_AVATAR))
session, sound = Session(speaker), load_audio(DEMO_VOICE)  # [S] at 16 kHz
for start in range(0, len(sound), 640):
    frames = session.push(sound[start : start + 640])  # .turn, .sample, .rows [f, C]
frames = session.finish()  # or session.interrupt(), which shuts the mouth
