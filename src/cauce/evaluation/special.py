"""Quantiles of the beta and t distributions, so that scipy is not needed at run time."""

from __future__ import annotations

import functools
import math


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X <= x) of a Beta(a, b): the regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(x, a, b) / a
    return 1 - front * _beta_fraction(1 - x, b, a) / b


@functools.cache
def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with P(X <= x) = p of a Beta(a, b), by bisection."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if beta_cdf(middle, a, b) < p else (low, middle)
    return middle


@functools.cache
def t_quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = p of Student's distribution with `df` degrees of freedom."""
    if p == 0.5:
        return 0.0
    tail = 2 * min(p, 1 - p)
    # The ratio df/(df+t²) is Beta(df/2, 1/2); its complement keeps the digits when t is small.
    complement = beta_quantile(1 - tail, 0.5, df / 2)
    size = math.sqrt(df * complement / (1 - complement))
    return math.copysign(size, p - 0.5)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (NR 6.4)."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + step * d) or tiny)
            c = (1 + step / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 3e-16:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at x={x}, a={a}, b={b}")
