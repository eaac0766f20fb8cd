"""The overdrive that drive.onnx learned: a diode clipper around an op-amp.

           +---- Rf ----+
           +---- C2 ----+
           +-- D1, D2 --+        (antiparallel)
           |   |\\       |
     +-----+---|-\\      |
     |         |  >-----+--- R3 ---+--- out
    R1   in ---|+/                 |
     |         |/                  C3
    C1                             |
     |                            gnd
    gnd

The clipping stage of the classic green overdrive pedal, with an ideal op-amp,
and an RC low-pass as its tone control. The op-amp holds its inverting input at
the input voltage, so the input alone sets the current through R1 and C1 (a
high-pass, 720 Hz); that current flows on through Rf, C2 and the diodes, and
what it makes of them is added to the input.

    C1 dv1/dt = (vin - v1) / R1                                  (v1 over C1)
    C2 dvf/dt = (vin - v1) / R1 - vf / Rf - 2 Is sinh(vf / (n Vt))
    C3 dv3/dt = (vin + vf - v3) / R3
"""
import numpy as np

R1 = 4.7e3      # ohm
C1 = 47e-9      # farad
RF = 51e3 + 150e3  # ohm: fixed resistor and the drive pot at 0.3 of 500k
C2 = 51e-12     # farad
IS = 2.52e-9    # ampere: 1N914
N_VT = 1.752 * 25.85e-3  # volt: 1N914 at 27 degrees
R3 = 1e3        # ohm
C3 = 47e-9      # farad: low-pass at 3.4 kHz

VOLTS_IN = 0.5  # volt at the input for full scale
OUT = 0.8       # full scale for one volt at the output

RATE = 48000
OVERSAMPLING = 8


def resample(x, up):
    """Band-limited, without delay: spectra of padded rows. up: 8 or 1/8."""
    n = x.shape[1]
    m = int(round(n * up))
    s = np.fft.rfft(x, axis=1)
    out = np.zeros((x.shape[0], m // 2 + 1), complex)
    k = min(s.shape[1], out.shape[1]) - 1  # without the last bin: real rows
    out[:, :k] = s[:, :k]
    return np.fft.irfft(out, m, axis=1) * up


def simulate(x):
    """Circuit output for rows of input at RATE, both in full scale.

    At 8 times the rate: the linear parts by the trapezoidal rule, the clipper
    by BDF2 (second order, and it does not ring where the diodes make the
    equation stiff), solved by Newton's method to 1e-10 V.
    """
    pad = 64
    x = np.pad(x.astype(np.float64), ((0, 0), (pad, pad)))
    v = resample(x * VOLTS_IN, OVERSAMPLING).T.copy()
    h = 1.0 / (RATE * OVERSAMPLING)
    a1 = h / (2 * R1 * C1)
    a3 = h / (2 * R3 * C3)
    rows = v.shape[1]
    v1 = np.zeros(rows)
    vf, vf_old = np.zeros(rows), np.zeros(rows)
    v3 = np.zeros(rows)
    before, sum_before = np.zeros(rows), np.zeros(rows)
    out = np.empty_like(v)
    k = 2.0 / 3.0 * h / C2
    for t in range(v.shape[0]):
        vin = v[t]
        v1 = ((1 - a1) * v1 + a1 * (vin + before)) / (1 + a1)
        current = (vin - v1) / R1
        known = (4 * vf - vf_old) / 3 + k * current
        vf_old = vf
        vf = newton(known, vf, k)
        total = vin + vf
        v3 = ((1 - a3) * v3 + a3 * (total + sum_before)) / (1 + a3)
        before, sum_before = vin, total
        out[t] = v3
    y = resample(out.T.copy(), 1.0 / OVERSAMPLING) * OUT
    return y[:, pad:-pad]


def newton(known, guess, k):
    """v + k (v/Rf + 2 Is sinh(v/(n Vt))) = known."""
    v = guess
    for _ in range(50):
        e = np.exp(v / N_VT)
        f = v + k * (v / RF + IS * (e - 1 / e)) - known
        slope = 1 + k * (1 / RF + IS / N_VT * (e + 1 / e))
        step = f / slope
        # f is odd and convex for v > 0: only the way up needs a limit
        v = v - np.clip(step, -3 * N_VT, 3 * N_VT)
        if np.abs(step).max() < 1e-10:
            break
    return v
