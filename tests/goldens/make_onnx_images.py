#!/usr/bin/env python3
"""Make the image goldens: small networks over images, volumes and batches, as
PyTorch's exporters write them. Needs torch, onnx, onnxscript, onnxruntime and
numpy (models/requirements.txt). Writes tests/goldens/onnx-images/NAME/ with
model.onnx, input.npy and output.npy (ONNX Runtime's answer, which is compared
with PyTorch in double precision), and list.txt, a line for each: name, how many
transposes the compiled model may have (before the first layer, behind the last).
"""
import os
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx-images")


class Stack(nn.Module):
    """Convolution, norm, ReLU, pool; three times, and a dense layer."""

    def __init__(self):
        super().__init__()
        sizes, layers = [2, 6, 10, 12], []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b),
                       nn.ReLU(), nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(12 * 3 * 2, 7)

    def forward(self, x):
        return self.last(self.layers(x).flatten(1))


class Block(nn.Module):
    def __init__(self, a, b, step=1):
        super().__init__()
        self.c1 = nn.Conv2d(a, b, 3, step, 1, bias=False)
        self.n1 = nn.BatchNorm2d(b)
        self.c2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.n2 = nn.BatchNorm2d(b)
        self.short = nn.Identity()
        if a != b or step > 1:
            self.short = nn.Sequential(nn.Conv2d(a, b, 1, step, bias=False),
                                       nn.BatchNorm2d(b))

    def forward(self, x):
        y = self.n2(self.c2(F.relu(self.n1(self.c1(x)))))
        return F.relu(y + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 5, 7, 2, 3, bias=False),
                                  nn.BatchNorm2d(5), nn.ReLU(),
                                  nn.MaxPool2d(3, 2, 1))
        self.body = nn.Sequential(Block(5, 5), Block(5, 9, 2), Block(9, 9))
        self.last = nn.Linear(9, 4)

    def forward(self, x):
        y = F.adaptive_avg_pool2d(self.body(self.stem(x)), 1)
        return self.last(y.flatten(1))


class Inverted(nn.Module):
    """MobileNetV3's: wider, depthwise, squeezed and excited, narrower."""

    def __init__(self, a, b, step, squeeze):
        super().__init__()
        h = 4 * a
        self.wide = nn.Sequential(nn.Conv2d(a, h, 1, bias=False),
                                  nn.BatchNorm2d(h), nn.Hardswish())
        self.deep = nn.Sequential(
            nn.Conv2d(h, h, 3, step, 1, groups=h, bias=False),
            nn.BatchNorm2d(h), nn.ReLU6())
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(h, a, 1), nn.ReLU(),
            nn.Conv2d(a, h, 1), nn.Hardsigmoid()) if squeeze else None
        self.narrow = nn.Sequential(nn.Conv2d(h, b, 1, bias=False),
                                    nn.BatchNorm2d(b))
        self.skip = step == 1 and a == b

    def forward(self, x):
        y = self.deep(self.wide(x))
        y = self.narrow(y * self.gate(y) if self.gate else y)
        return x + y if self.skip else y


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6),
            nn.Hardswish(), Inverted(6, 6, 1, True), Inverted(6, 9, 2, False),
            Inverted(9, 9, 1, True))
        self.last = nn.Linear(9, 6)

    def forward(self, x):
        return torch.softmax(self.last(self.body(x).mean((2, 3))), 1)


def twice(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b),
                         nn.ReLU(), nn.Conv2d(b, b, 3, padding=1),
                         nn.BatchNorm2d(b), nn.ReLU())


class UNet(nn.Module):
    """Up again by a transposed convolution, and by a bilinear resize."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = twice(1, 4), twice(4, 6), twice(6, 9)
        self.up2 = nn.ConvTranspose2d(9, 6, 2, 2)
        self.b2 = twice(12, 6)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear")
        self.a2 = twice(10, 4)
        self.last = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(F.max_pool2d(a, 2))
        c = self.c(F.max_pool2d(b, 2))
        y = self.b2(torch.cat([self.up2(c), b], 1))
        y = self.a2(torch.cat([self.up1(y), a], 1))
        return torch.sigmoid(self.last(y))


class Pitch(nn.Module):
    """As CREPE: one frame of sound, tall kernels, normalised after ReLU."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1, 8, (64, 1), (4, 1)),
                                    nn.Conv2d(8, 6, (16, 1)),
                                    nn.Conv2d(6, 6, (16, 1))])
        self.norms = nn.ModuleList([nn.BatchNorm2d(n, eps=.001)
                                    for n in (8, 6, 6)])
        self.last = nn.Linear(48, 36)

    def forward(self, x):
        x = x[:, None, :, None]
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = F.pad(x, (0, 0, 30, 30) if i == 0 else (0, 0, 7, 8))
            x = F.max_pool2d(norm(F.relu(conv(x))), (2, 1), (2, 1))
        x = x.permute(0, 2, 1, 3).reshape(-1, 48)
        return torch.sigmoid(self.last(x))


class Odd(nn.Module):
    """Groups, dilations, uneven strides, other norms, other ways to pad."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(4, 8, (3, 5), padding=(2, 1), dilation=(2, 1),
                           groups=2)
        self.g = nn.GroupNorm(2, 8)
        self.i = nn.InstanceNorm2d(8, affine=True)
        self.t = nn.ConvTranspose2d(8, 6, (3, 4), (2, 3), padding=1,
                                    output_padding=1, groups=2)
        self.p = nn.PixelShuffle(2)
        self.q = nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect")
        self.n = nn.LocalResponseNorm(3)

    def forward(self, x):
        y = self.i(F.elu(self.g(self.c(x))))
        y = F.avg_pool2d(F.leaky_relu(self.t(y))[:, :4], 3, 2, 1)
        y = self.n(self.q(self.p(y)))
        return F.interpolate(y, scale_factor=1.5, mode="bicubic",
                             align_corners=True)


class Volume(nn.Module):
    """Three axes, and two of a batch."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv3d(2, 6, 3, padding=1, stride=(1, 2, 1))
        self.m = nn.MaxPool3d(2)
        self.d = nn.Conv3d(6, 6, (2, 1, 2), groups=3)

    def forward(self, x):
        return self.d(F.relu(self.m(self.c(x)))).mean((3, 4))


class Signal(nn.Module):
    """Down and up again along one axis, a window at a time."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(2, 6, 9, 4, 4)
        self.n = nn.BatchNorm1d(6)
        self.b = nn.Conv1d(6, 8, 8, 4, 2)
        self.u = nn.ConvTranspose1d(8, 6, 8, 4, 2)
        self.v = nn.ConvTranspose1d(6, 2, 9, 4, 3, 1)

    def forward(self, x):
        y = F.relu(self.b(F.relu(self.n(self.a(x)))))
        return torch.tanh(self.v(F.relu(self.u(y))))


# name, model, shape, exporter, transposes
MODELS = [
    ("stack", Stack, (1, 2, 24, 16), "old", 1),
    ("resnet", ResNet, (1, 1, 40, 33), "new", 0),
    ("mobile", Mobile, (1, 1, 20, 16), "old", 0),
    ("unet", UNet, (1, 1, 12, 16), "new", 1),
    ("pitch", Pitch, (1, 256), "old", 0),
    ("odd", Odd, (1, 4, 9, 11), "new", 7),
    ("volume", Volume, (2, 2, 6, 8, 10), "old", 2),
    ("signal", Signal, (1, 2, 128), "new", 2),
]


def stir(model):
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(m.running_mean, 0, .3)
            nn.init.uniform_(m.running_var, .5, 1.5)
            nn.init.uniform_(m.weight, .5, 1.5)
            nn.init.normal_(m.bias, 0, .2)
    return model.eval()


def plain(path):
    """Without what only says where it was made."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in list(model.graph.value_info) + list(model.graph.input):
        del value.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    onnx.save(model, path)


def main():
    lines = []
    warnings.filterwarnings("ignore")
    for name, make, shape, exporter, transposes in MODELS:
        torch.manual_seed(20240611)
        folder = os.path.join(HERE, name)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "model.onnx")
        model, x = stir(make()), torch.randn(shape)
        if exporter == "old":
            torch.onnx.export(model, (x,), path, dynamo=False,
                              opset_version=17)
        else:
            torch.onnx.export(model, (x,), path, dynamo=True, opset_version=18,
                              external_data=False, verbose=False)
        plain(path)
        session = ort.InferenceSession(path)
        y = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
        want = model.double()(x.double()).detach().numpy()
        error = np.abs(y - want).max() / np.abs(want).max()
        assert error < 3e-6, (name, error)
        np.save(os.path.join(folder, "input.npy"), x.numpy())
        np.save(os.path.join(folder, "output.npy"), y)
        lines.append(f"{name} {transposes}\n")
        print(name, exporter, f"{error:.1e}", os.path.getsize(path), "bytes")
    with open(os.path.join(HERE, "list.txt"), "w") as f:
        f.writelines(lines)


if __name__ == "__main__":
    main()
