"""The octave fuzz that fuzz.onnx learned, as equations.

    in -> high-pass -> gain (knob fuzz) -> log compression -> u
    u, and its rectified double, blended by the knob octave -> r
    r -> clip -> low-pass -> out

Rectifying folds the lower half of the wave up: what was one swing is two, an
octave higher. The compression keeps that so from soft to loud notes.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../drive"))
from circuit import resample  # noqa: E402  of the overdrive

RATE = 48000
OVERSAMPLING = 8
HIGH_PASS = 150.0      # Hz, in front of the gain
RECTIFIED = 80.0       # Hz, high-pass after rectifying: no offset
LOW_PASS = 5000.0      # Hz, at the end
GAIN = (3.0, 300.0)    # of the knob fuzz at 0 and 1
CLIP = 2.5             # gain into the last clipper
OUT = 0.5


def one_pole(x, hz):
    """First-order low-pass of rows at 8 times RATE, trapezoidal rule."""
    a = np.tan(np.pi * hz / (RATE * OVERSAMPLING))
    b, c = a / (1 + a), (1 - a) / (1 + a)
    y = np.empty_like(x)
    state, before = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for t in range(x.shape[0]):
        state = c * state + b * (x[t] + before)
        before = x[t]
        y[t] = state
    return y


def simulate(x, fuzz, octave):
    """Output for rows of input at RATE in full scale; a knob each a row."""
    pad = 64
    x = np.pad(x.astype(np.float64), ((0, 0), (pad, pad)))
    v = resample(x, OVERSAMPLING).T.copy()
    v -= one_pole(v, HIGH_PASS)
    gain = GAIN[0] * (GAIN[1] / GAIN[0]) ** fuzz
    u = np.arcsinh(gain * v) / np.arcsinh(gain)
    double = 2 * np.abs(u)
    double -= one_pole(double, RECTIFIED)
    r = (1 - octave) * u + octave * double
    y = one_pole(np.tanh(CLIP * r), LOW_PASS)
    return (resample(y.T.copy(), 1.0 / OVERSAMPLING) * OUT)[:, pad:-pad]
