"""Gestures of a hand on a pad, made here: a list x y every 20 ms."""
import numpy as np

RATE = 50  # lists a second
LABELS = ["rest", "circle", "zigzag", "swipe"]


def turn(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s], [-s, c]])


def uneven(rng, n, hz):
    """Turns done by each list: about hz a second, never quite even."""
    speed = hz * (1 + 0.15 * rng.standard_normal(n // 10 + 3))
    speed = np.interp(np.arange(n), 10 * np.arange(len(speed)), speed)
    return np.cumsum(np.maximum(speed, 0.1 * hz)) / RATE


def circle(rng, n):
    """Round and round, either way, a little oval."""
    turns = uneven(rng, n, rng.uniform(0.5, 2.5)) * rng.choice([-1, 1])
    at = 2 * np.pi * (turns + rng.uniform())
    oval = rng.uniform(0.6, 1.0)
    return turn(np.stack([np.cos(at), oval * np.sin(at)], 1),
                rng.uniform(0, 2 * np.pi))


def zigzag(rng, n):
    """To and fro in straight lines with sharp or round corners, along one
    line or wandering off sideways."""
    turns = uneven(rng, n, rng.uniform(0.8, 3.0)) + rng.uniform()
    saw = 2 * np.abs(2 * (turns % 1) - 1) - 1
    wave = np.cos(2 * np.pi * turns)
    round_ = rng.uniform()
    along = (1 - round_) * saw + round_ * wave
    off = rng.uniform(-0.5, 0.5) * np.linspace(-1, 1, n)
    return turn(np.stack([along, off], 1), rng.uniform(0, 2 * np.pi))


def swipe(rng, n):
    """One straight stroke that begins and ends slowly."""
    t = np.linspace(0, 1, n)
    along = 2 * t ** 2 * (3 - 2 * t) - 1
    bend = rng.uniform(-0.2, 0.2) * along ** 2
    return turn(np.stack([along, bend], 1), rng.uniform(0, 2 * np.pi))


MAKERS = {"circle": circle, "zigzag": zigzag, "swipe": swipe}


def walk(rng, start, end, n):
    """From here to there without haste: how a hand comes to a beginning."""
    t = np.linspace(0, 1, n)[:, None]
    return start + (end - start) * t * t * (3 - 2 * t)


def hand(rng, path):
    """Sensor noise, and steps as coarse as those of a slider."""
    path = path + rng.uniform(0, 0.004) * rng.standard_normal(path.shape)
    if rng.uniform() < 0.5:
        steps = rng.choice([100.0, 127.0, 200.0])
        path = np.round(path * steps) / steps
    return np.clip(path, 0, 1)


def take(rng, n, label=None):
    """n lists of a hand that rests and makes gestures: positions [n, 2],
    numbers of labels [n], and weights [n]: 0 where a beginning could be any of
    them."""
    at = rng.uniform(0.1, 0.9, 2)
    path, labels, weights = [], [], []
    while sum(map(len, path)) < n:
        pause = int(rng.uniform(5, 50))
        path.append(np.repeat(at[None], pause, 0))
        labels.append(np.zeros(pause, int))
        weights.append(np.minimum(np.arange(pause) / 10, 1))
        name = label or LABELS[int(rng.integers(1, len(LABELS)))]
        seconds = rng.uniform(0.25, 0.6) if name == "swipe" \
            else rng.uniform(1.2, 4)
        m = int(RATE * seconds)
        size = rng.uniform(0.12, 0.45) * (1.5 if name == "swipe" else 1)
        shape = MAKERS[name](rng, m) * size / 2
        middle = np.clip(at - shape[0], 0.25, 0.75)
        stroke = middle + shape
        if np.abs(stroke[0] - at).max() > 0.02:  # get there first
            way = walk(rng, at, stroke[0], int(rng.uniform(25, 50)))
            path.append(way)
            labels.append(np.zeros(len(way), int))
            weights.append(np.zeros(len(way)))
        path.append(stroke)
        labels.append(np.full(m, LABELS.index(name)))
        known = 8 if name == "swipe" else 20
        weights.append((np.arange(m) >= known).astype(float))
        at = stroke[-1]
    path = np.concatenate(path)[:n]
    return (hand(rng, path), np.concatenate(labels)[:n],
            np.concatenate(weights)[:n])
