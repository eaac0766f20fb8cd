#!/usr/bin/env python3
"""Fit the polynomials and rationals of kernels/text_math.h.

Prints, for each function, coefficients rounded to float and the largest error
of the rounded fit (evaluated exactly; rounding in the kernel comes on top).

Method: Lawson's reweighted least squares on Chebyshev nodes, the denominator
linearised around the one of the round before. Coefficients that must be exact
(the 1 in e^r = 1 + r + ...) are not fitted. Needs numpy and mpmath.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 40


def nodes(low, high, count):
    t = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    return (low + high) / 2 + (high - low) / 2 * t


def fit(target, scale, low, high, top, bottom, rounds=400):
    """Minimise |scale * (P/Q - target)| for u in [low, high], Q(0) = 1."""
    u = nodes(low, high, 3001)
    g = np.array([float(target(mp.mpf(float(v)))) for v in u])
    s = np.array([float(scale(mp.mpf(float(v)))) for v in u])
    z = u / high
    weight = np.ones_like(u)
    q = np.ones_like(u)
    best, best_error = None, np.inf
    for _ in range(rounds):
        row = np.sqrt(weight) * s / q
        columns = [z**k for k in range(top + 1)]
        columns += [-g * z**k for k in range(1, bottom + 1)]
        a = np.stack(columns, 1) * row[:, None]
        size = np.linalg.norm(a, axis=0)
        c = np.linalg.lstsq(a / size, g * row, rcond=None)[0] / size
        p_value = sum(c[k] * z**k for k in range(top + 1))
        q = 1 + sum(c[top + k] * z**k for k in range(1, bottom + 1))
        error = np.abs(s * (p_value / q - g))
        if error.max() < best_error:
            best, best_error = c.copy(), error.max()
        weight *= error / error.max() + 1e-3
        weight /= weight.max()
    p = [best[k] / high**k for k in range(top + 1)]
    q = [1.0] + [best[top + k] / high**k for k in range(1, bottom + 1)]
    return p, q, best_error


def single(values):
    return [np.float32(v) for v in values]


def horner(c, x):
    y = mp.mpf(0)
    for v in reversed(c):
        y = y * x + mp.mpf(float(v))
    return y


def report(name, p, q, value, exact, scale, low, high, best):
    worst = 0
    for v in nodes(low, high, 2001):
        x = mp.mpf(float(v))
        if abs(x) < mp.mpf(10)**-6:
            continue
        worst = max(worst, abs(scale(x) * (value(x, p, q) - exact(x))))
    print(name, "largest error", mp.nstr(worst, 3), "before rounding %.2g" %
          best)
    for letter, c in (("p", p), ("q", q)):
        for k, v in enumerate(c):
            if len(c) > 1:
                print("   %s%d %.9ef %s" % (letter, k, v, float(v).hex()))


def exponential():
    # e^r - 1 = r + r^2 P(r); relative to e^r - 1
    low, high = -0.3475, 0.3475
    f = lambda r: (mp.expm1(r) - r) / r**2 if r else mp.mpf(1) / 2
    s = lambda r: r**2 / mp.expm1(r) if r else mp.mpf(0)
    p, q, best = fit(f, s, low, high, 4, 0)
    report("exp", single(p), [1], lambda x, p, q: x + x * x * horner(p, x),
           mp.expm1, lambda x: 1 / mp.expm1(x), low, high, best)


def hyperbolic_tangent():
    # tanh x = x P(x^2) / Q(x^2); relative
    top = 9.02
    f = lambda u: mp.tanh(mp.sqrt(u)) / mp.sqrt(u) if u else mp.mpf(1)
    s = lambda u: 1 / f(u)
    m, n = 4, 4
    p, q, best = fit(f, s, 0, top**2, m, n)
    # both begin with the same number, so that tanh x = x for small x
    q = [v * p[0] for v in q[:1]] + [v for v in q[1:]]
    report("tanh %d/%d" % (m, n), single(p), single(q),
           lambda x, p, q: x * horner(p, x * x) / horner(q, x * x),
           mp.tanh, lambda x: 1 / mp.tanh(x), 1e-3, top, best)


def hyperbolic_tangent_held():
    # tanh x = x P(x^2) / Q(x^2), both begin with 1; absolute. Over 1 at the
    # end, where the kernel holds x: what is more is then 1 however it rounds.
    top, begin = 8.6, 6.5
    x = nodes(0, top, 4000)
    t = np.tanh(x) + 3e-7 * np.clip((x - begin) / (top - begin), 0, None)**2
    u, z = x * x, (x / top)**2
    weight, q, best_error = np.ones_like(x), np.ones_like(x), np.inf
    for _ in range(300):
        row = np.sqrt(weight) / q
        columns = [x * z**k for k in range(1, 5)]
        columns += [-t * z**k for k in range(1, 5)]
        c = np.linalg.lstsq(np.stack(columns, 1) * row[:, None],
                            (t - x) * row, rcond=None)[0]
        q = 1 + sum(c[3 + k] * z**k for k in range(1, 5))
        y = x * (1 + sum(c[k - 1] * z**k for k in range(1, 5))) / q
        error = np.abs(y - t)
        if error.max() < best_error:
            best, best_error = c.copy(), error.max()
        weight *= error / error.max() + 1e-3
        weight /= weight.max()
    p, q = ([1.0] + [best[i + k - 1] / top**(2 * k) for k in range(1, 5)]
            for i in (0, 4))
    y = np.minimum(x * np.polyval(single(p)[::-1], u) /
                   np.polyval(single(q)[::-1], u), 1)
    error = np.abs(y / np.tanh(x) - 1)
    print("tanh, held: of the value %.2g below %g, %.2g above" %
          (error[x < begin].max(), begin, error[x >= begin].max()))
    print("   p", ", ".join("%.9ef" % v for v in p[1:]))
    print("   q", ", ".join("%.9ef" % v for v in q[1:]))


def error_function():
    # erf x = x P(x^2) / Q(x^2); relative
    top = 3.95
    f = lambda u: (mp.erf(mp.sqrt(u)) / mp.sqrt(u) if u else
                   2 / mp.sqrt(mp.pi))
    s = lambda u: 1 / f(u)
    m, n = 5, 5
    p, q, best = fit(f, s, 0, top**2, m, n)
    report("erf %d/%d" % (m, n), single(p), single(q),
           lambda x, p, q: x * horner(p, x * x) / horner(q, x * x),
           mp.erf, lambda x: 1 / mp.erf(x), 1e-3, top, best)


def normal_tail():
    # Phi(-a) e^(a^2/2) = P(a) / Q(a), Phi the normal distribution; relative
    top = 13.3
    f = lambda a: mp.erfc(a / mp.sqrt(2)) / 2 * mp.exp(a * a / 2)
    m, n = 3, 4
    p, q, best = fit(f, lambda a: 1 / f(a), 0, top, m, n)
    report("normal %d/%d" % (m, n), single(p), single(q),
           lambda x, p, q: horner(p, x) / horner(q, x), f,
           lambda x: 1 / f(x), 0, top, best)


def logarithm():
    # log((1+s)/(1-s)) = 2s + s^3 P(s^2); relative
    top = 0.1717
    g = lambda x: mp.log((1 + x) / (1 - x))
    f = lambda u: ((g(mp.sqrt(u)) - 2 * mp.sqrt(u)) / mp.sqrt(u)**3 if u else
                   mp.mpf(2) / 3)
    s = lambda u: mp.sqrt(u)**3 / g(mp.sqrt(u)) if u else mp.mpf(0)
    m = 2
    p, q, best = fit(f, s, 0, top**2, m, 0)
    report("log", single(p), [1],
           lambda x, p, q: 2 * x + x**3 * horner(p, x * x), g,
           lambda x: 1 / g(x), 1e-3, top, best)


def sine():
    # sin r = r + r^3 P(r^2), cos r = 1 - r^2/2 + r^4 P(r^2); absolute
    top = 0.795
    f = lambda u: ((mp.sin(mp.sqrt(u)) - mp.sqrt(u)) / mp.sqrt(u)**3 if u else
                   -mp.mpf(1) / 6)
    p, q, best = fit(f, lambda u: mp.sqrt(u)**3, 0, top**2, 2, 0)
    report("sin", single(p), [1], lambda x, p, q: x + x**3 * horner(p, x * x),
           mp.sin, lambda x: 1, 1e-3, top, best)
    f = lambda u: ((mp.cos(mp.sqrt(u)) - 1 + u / 2) / u**2 if u else
                   mp.mpf(1) / 24)
    p, q, best = fit(f, lambda u: u**2, 1e-6, top**2, 2, 0)
    report("cos", single(p), [1],
           lambda x, p, q: 1 - x * x / 2 + x**4 * horner(p, x * x), mp.cos,
           lambda x: 1, 1e-3, top, best)


def piece(k, degree, c0=None):
    # tanh(k/4 + r) for |r| <= 1/8; absolute
    r = nodes(0 if k == 0 else -0.125, 0.125, 600)
    f = np.tanh(k / 4 + r)
    fixed = [c0] if c0 is not None else []
    if k == 0:
        fixed = [0.0, 1.0]  # exact at 0
    rest = f - sum(c * r**j for j, c in enumerate(fixed))
    a = np.stack([r**j for j in range(len(fixed), degree + 1)], 1)
    weight = np.ones_like(r)
    for _ in range(200):
        c = np.linalg.lstsq(a * weight[:, None], rest * weight, rcond=None)[0]
        error = np.abs(a @ c - rest)
        weight *= np.sqrt(0.3 + error / error.max())
        weight /= weight.max()
    return fixed + list(c), error.max()


def hyperbolic_tangent_pieces(degree):
    # kernels/tanh_table.h
    pieces, worst = [], 0
    for k in range(31):
        first = float(np.float32(piece(k, degree)[0][0]))
        c, error = piece(k, degree, first)
        worst = max(worst, error)
        pieces.append(single(c))
    pieces.append(single([1] + [0] * degree))
    print("tanh, pieces: largest error before rounding %.2g" % worst)
    for j in range(degree + 1):
        print("tanh piece r^%d: " % j + ", ".join("%.9e" % c[j] for c in pieces))


if __name__ == "__main__":
    exponential()
    hyperbolic_tangent()
    hyperbolic_tangent_held()
    hyperbolic_tangent_pieces(5)
    hyperbolic_tangent_pieces(4)
    error_function()
    normal_tail()
    logarithm()
    sine()
