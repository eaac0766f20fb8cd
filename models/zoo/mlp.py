"""Dense networks."""
import torch
import torch.nn as nn

SIZE = 1024


class SingleMM(nn.Module):
    """One matrix product."""

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(SIZE, SIZE, bias=False)

    def forward(self, x):
        return self.net(x)


class BasicMLP(nn.Module):
    """Three dense layers with tanh between them."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(SIZE, SIZE), nn.Tanh(),
            nn.Linear(SIZE, SIZE), nn.Tanh(),
            nn.Linear(SIZE, SIZE))

    def forward(self, x):
        return self.net(x)


class SirenMLP(nn.Module):
    """Dense layers over sines; every sample is a row by itself."""

    def __init__(self, hidden=256):
        super().__init__()
        self.first = nn.Linear(1, hidden)
        self.rest = nn.ModuleList(
            [nn.Linear(hidden, hidden) for _ in range(3)]
            + [nn.Linear(hidden, 1)])

    def forward(self, x):
        x = self.first(x.reshape(SIZE, 1))
        for layer in self.rest:
            x = layer(torch.sin(x))
        return x
