"""Recurrent networks."""
import torch
import torch.nn as nn

SIZE = 1024


class SimpleRNN(nn.Module):
    """A tanh RNN over the samples; the last state is the answer. Its first
    state is a constant of random numbers."""

    def __init__(self, hidden=256):
        super().__init__()
        self.register_buffer("h", torch.randn(1, 1, hidden))
        self.rnn = nn.RNN(1, hidden)

    def forward(self, x):
        return self.rnn(x.reshape(SIZE, 1, 1), self.h)[1]


class Cell(nn.Module):
    """An LSTM cell with one bias, as Flax has it; gates i f g o."""

    def __init__(self, inputs, units):
        super().__init__()
        self.x = nn.Linear(inputs, 4 * units, bias=False)
        self.h = nn.Linear(units, 4 * units)

    def forward(self, x, h, c):
        i, f, g, o = (self.x(x) + self.h(h)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class MDRNN(nn.Module):
    """A mixture density network over two LSTM layers that continues a
    movement: the next point is drawn from the mixture. Each layer keeps a
    state of its own, which goes in and comes out.

    Drawing: the mixture by the largest of log(pi) + Gumbel noise, the point by
    its mean and deviation. The noise is the exported graph's.
    """

    def __init__(self, units=64, mixtures=5, size=2):
        super().__init__()
        self.mixtures, self.size = mixtures, size
        self.cell1 = Cell(size, units)
        self.cell2 = Cell(units, units)
        self.mus = nn.Linear(units, mixtures * size)
        self.sigmas = nn.Linear(units, mixtures * size)
        self.pis = nn.Linear(units, mixtures)

    def forward(self, x, h1, c1, h2, c2):
        h1, c1 = self.cell1(x, h1, c1)
        h2, c2 = self.cell2(h1, h2, c2)
        mus = self.mus(h2)
        sigmas = nn.functional.elu(self.sigmas(h2))
        pis = torch.softmax(self.pis(h2), -1)
        return (self.draw(mus, sigmas, pis), mus, sigmas, pis, h1, c1, h2, c2)

    def draw(self, mus, sigmas, pis):
        shape = (1, self.mixtures, self.size)
        uniform = torch.rand_like(pis).clamp(1e-7, 1 - 1e-7)
        chosen = (torch.log(pis) - torch.log(-torch.log(uniform))).argmax(-1)
        one = torch.nn.functional.one_hot(chosen, self.mixtures)
        one = one.to(mus.dtype).unsqueeze(-1)
        mu = (mus.reshape(shape) * one).sum(1)
        sigma = (sigmas.reshape(shape) * one).sum(1)
        return mu + sigma * torch.randn_like(mu)
