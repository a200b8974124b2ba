"""Tone mapping of renders in linear light: exposure, then clipping or Reinhard's curve, then the sRGB curve."""

from __future__ import annotations

import numpy as np

CURVES = ("clip", "reinhard")


def map_tones(linear: np.ndarray, exposure: float = 0.0, curve: str = "clip") -> np.ndarray:
    """Tone-map linear light, float32 (H, W, C) in [0, inf), to sRGB values in [0, 1].

    `exposure` is in stops: 1 doubles the light. `clip` clips at 1; `reinhard` maps every channel x to x / (1 + x).
    Negative values become 0. Source: IEC 61966-2-1 (sRGB); Reinhard et al., SIGGRAPH 2002, equation 3.
    """
    light = np.maximum(linear, 0) * np.float32(2.0**exposure)
    light = light / (1 + light) if curve == "reinhard" else np.minimum(light, 1)
    return srgb(light).astype(np.float32)


def srgb(linear: np.ndarray) -> np.ndarray:
    """Apply the sRGB transfer function to linear values in [0, 1]."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)
