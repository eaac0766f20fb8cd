"""The encoder of a variational autoencoder."""
import torch
import torch.nn as nn

SIZE = 1024


class VariationalEncoder(nn.Module):
    """Mean and deviation, and a point drawn from them. The noise is the
    exported graph's."""

    def __init__(self, latent=128):
        super().__init__()
        self.linear1 = nn.Linear(SIZE, latent)
        self.linear2 = nn.Linear(SIZE, latent)

    def forward(self, x):
        mu = torch.relu(self.linear1(x))
        sigma = torch.exp(self.linear2(x))
        return mu + sigma * torch.randn_like(mu)
