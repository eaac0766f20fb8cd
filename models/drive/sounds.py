"""Training sounds, made here: plucked strings, chirps, noise bursts."""
import numpy as np

RATE = 48000


def pluck(rng, freq, length, bright, decay):
    """Karplus-Strong: a loop of noise that loses its highs on each turn."""
    period = RATE / freq - 0.5
    n = int(period)
    frac = period - n
    loop = rng.uniform(-1, 1, n + 1)
    for _ in range(int(rng.integers(0, 4) + 3 * (1 - bright))):
        loop = 0.5 * (loop + np.roll(loop, 1))
    place = int(rng.uniform(0.08, 0.3) * n) + 1  # where the string is plucked
    loop = loop - np.roll(loop, place)
    loop -= loop.mean()
    out = np.zeros(length + n + 2)
    out[:n + 1] = loop
    gain = 10 ** (-3.0 / (freq * decay))  # 60 dB in `decay` seconds
    # one turn at a time: every sample reads the turn before
    t = n + 2
    while t < length:
        end = min(t + n - 1, length)
        a = out[t - n:end - n]
        b = out[t - n - 1:end - n - 1]
        c = out[t - n - 2:end - n - 2]
        out[t:end] = gain * ((1 - frac) * 0.5 * (a + b) + frac * 0.5 * (b + c))
        t = end
    return out[:length]


def phrase(rng, length):
    """Notes, power chords and chords of a guitar, some palm-muted."""
    out = np.zeros(length)
    t = -int(rng.integers(0, RATE // 2))
    while t < length:
        root = 82.4 * 2 ** (rng.integers(0, 30) / 12)
        kind = rng.integers(0, 4)
        steps = [[0], [0], [0, 7, 12], [0, 7, 12, 16, 19]][int(kind)]
        decay = rng.choice([0.15, 0.6, 2.0, 4.0])
        bright = rng.uniform(0, 1)
        for i, s in enumerate(steps):
            at = t + i * int(rng.integers(0, 700))
            n = length - max(at, 0) + max(-at, 0)
            if n <= 0:
                continue
            note = pluck(rng, root * 2 ** (s / 12), n, bright, decay)
            note *= rng.uniform(0.5, 1) / (np.abs(note).max() + 1e-9)
            out[max(at, 0):] += note[max(-at, 0):][:length - max(at, 0)]
        t += int(rng.uniform(0.08, 0.9) * RATE)
    return level(rng, out, -26, 0)


def level(rng, x, low, high):
    """To a random peak between low and high dB of full scale."""
    peak = np.abs(x).max() + 1e-9
    return x / peak * 10 ** (rng.uniform(low, high) / 20)


def chirp(rng, length):
    t = np.arange(length) / length
    a, b = np.exp(rng.uniform(np.log(30), np.log(8000), 2))
    freq = a * (b / a) ** t
    x = np.sin(2 * np.pi * np.cumsum(freq) / RATE + rng.uniform(0, 6.28))
    swell = np.exp(np.interp(t, [0, 0.5, 1], rng.uniform(-4, 0, 3)))
    return level(rng, x * swell, -30, 0)


def noise(rng, length):
    x = rng.standard_normal(length)
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(length, 1 / RATE)
    corner = np.exp(rng.uniform(np.log(200), np.log(10000)))
    x = np.fft.irfft(spectrum / (1 + (f / corner) ** 2), length)
    gate = np.repeat(rng.uniform(0, 1, length // 1600 + 1) ** 3, 1600)[:length]
    return level(rng, x * np.convolve(gate, np.ones(200) / 200, "same"), -26, 0)


def fade(x):
    x[:256] *= np.linspace(0, 1, 256)
    x[-256:] *= np.linspace(1, 0, 256)
    return x


def material(seed, plucked, other, length):
    """Rows: `plucked` phrases, then `other` chirps and noises by turns."""
    rng = np.random.default_rng(seed)
    rows = [phrase(rng, length) for _ in range(plucked)]
    rows += [(chirp if i % 2 == 0 else noise)(rng, length)
             for i in range(other)]
    return np.array([fade(r) for r in rows])
