"""Convolutions over a window, one answer each."""
import torch.nn as nn

SIZE = 1024


class SimpleConv(nn.Module):
    """Convolution, pooling, ReLU; the mean over time tells classes apart."""

    def __init__(self, hidden=256, kernel=9, classes=8):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, hidden, kernel), nn.AvgPool1d(2), nn.ReLU(),
            nn.Conv1d(hidden, hidden, kernel), nn.AvgPool1d(2), nn.ReLU(),
            nn.Conv1d(hidden, classes, 1))

    def forward(self, x):
        return self.net(x.reshape(1, 1, SIZE)).mean(-1)


def block(hidden):
    return nn.Sequential(
        nn.LeakyReLU(0.2), nn.Dropout1d(0.1),
        nn.Conv1d(hidden, hidden, 3, padding=1),
        nn.LeakyReLU(0.2), nn.Dropout1d(0.1),
        nn.Conv1d(hidden, hidden, 3, padding=1))


class ResNet(nn.Module):
    """Three residual blocks between two convolutions."""

    def __init__(self, hidden=256, depth=3, classes=8):
        super().__init__()
        self.root = nn.Conv1d(1, hidden, 3)
        self.blocks = nn.ModuleList([block(hidden) for _ in range(depth)])
        self.head = nn.Conv1d(hidden, classes, 1)

    def forward(self, x):
        x = self.root(x.reshape(1, 1, SIZE))
        for b in self.blocks:
            x = x + b(x)
        return self.head(x).mean(-1).softmax(-1)
