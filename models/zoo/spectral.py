"""Spectra."""
import math

import torch
import torch.nn as nn

SIZE = 1024


class LogSpectrum(nn.Module):
    """The logarithm of the power spectrum of a window."""

    def forward(self, x):
        s = torch.view_as_real(torch.fft.rfft(x, SIZE, -1, norm="ortho"))
        return (s.square().sum(-1) + 1e-7).log()


class LogSpectrumMatrix(nn.Module):
    """The same for exporters without a Fourier transform."""

    def __init__(self):
        super().__init__()
        n = torch.arange(SIZE, dtype=torch.float64)
        turn = torch.outer(n[:SIZE // 2 + 1], n) % SIZE * (2 * math.pi / SIZE)
        scale = SIZE ** -0.5
        self.register_buffer("cos", (turn.cos() * scale).t().float())
        self.register_buffer("sin", (turn.sin() * scale).t().float())

    def forward(self, x):
        return ((x @ self.cos).square() + (x @ self.sin).square()
                + 1e-7).log()
