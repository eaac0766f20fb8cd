"""A transformer encoder layer."""
import torch.nn as nn


class TransformerBlock(nn.Module):
    """128 positions of 8 samples each. As it is known, batch_first is False:
    the positions are a batch and never see each other before the mean. With
    attend=True they do."""

    def __init__(self, attend=False, hidden=512, inputs=8, heads=4):
        super().__init__()
        self.inputs = inputs
        self.first = nn.Linear(inputs, hidden)
        self.block = nn.TransformerEncoderLayer(
            hidden, heads, dim_feedforward=hidden, batch_first=attend)

    def forward(self, x):
        x = x.reshape(1, -1, self.inputs)
        return self.block(self.first(x)).mean(-2)
