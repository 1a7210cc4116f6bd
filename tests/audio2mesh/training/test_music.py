import numpy as np

from audio2mesh.training.augment import make_music


def test_music_is_loud_finite_and_follows_from_its_seed():
    songs = [make_music(32_000, np.random.default_rng(seed)) for seed in range(8)]
    for song in songs:
        assert song.shape == (32_000,) and song.dtype == np.float32 and np.isfinite(song).all()
        assert abs(np.sqrt(np.square(song).mean()) - 1) < 1e-3
    again = make_music(32_000, np.random.default_rng(3))
    assert np.array_equal(again, songs[3]) and not np.array_equal(songs[2], songs[3])


def test_music_has_tones():
    def peakedness(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
        return float(np.sort(spectrum)[-50:].sum() / spectrum.sum())

    noise = peakedness(np.random.default_rng(0).standard_normal(32_000))
    songs = [peakedness(make_music(32_000, np.random.default_rng(seed))) for seed in range(8)]
    assert np.median(songs) > 5 * noise


def test_even_a_moment_of_music_can_be_had():
    assert make_music(100, np.random.default_rng(0)).shape == (100,)
