"""What the trainings of effects share: models that play a sound as something
else would (y: theirs, want: the other's)."""
import numpy as np
import torch


def segments(rng, x, y, count, length):
    """`count` random pieces of the rows of x and y [rows, time]: which rows,
    and both pieces [count, length]."""
    rows = torch.tensor(rng.integers(0, len(x), count))
    at = torch.tensor(rng.integers(0, x.shape[1] - length, count))
    index = at[:, None] + torch.arange(length)
    return rows, x[rows[:, None], index], y[rows[:, None], index]


def esr(y, want):
    """Error to signal: the energy of the one over that of the other."""
    return float(((y - want) ** 2).sum() / (want ** 2).sum())


def emphasised(x):
    """The highs raised: one zero at 0.85."""
    return x[:, 1:] - 0.85 * x[:, :-1]


def loss_of(y, want, quiet):
    """Error to signal, as it is and with the highs raised. quiet: the mean
    square below which a signal counts for less, a tenth of it with raised
    highs."""
    plain = ((y - want) ** 2).mean() / ((want ** 2).mean() + quiet)
    a, b = emphasised(y), emphasised(want)
    return plain + 0.5 * ((a - b) ** 2).mean() / ((b ** 2).mean() + quiet / 10)


def loudest(x, length):
    """`length` frames around the peak of the rows x, as [1, length, 1]."""
    row, peak = np.unravel_index(np.abs(x).argmax(), x.shape)
    begin = min(max(peak - 600, 0), x.shape[1] - length)
    return torch.tensor(x[row:row + 1, begin:begin + length, None],
                        dtype=torch.float32)
