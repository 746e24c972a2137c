"""Brings pictures to a model's frame, as `src/media/fit.ts` does."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

GREY = (128, 128, 128, 255)
"""Behind transparent pixels."""


def fitted(image: Image.Image, size: int) -> np.ndarray:
    """The middle square of a picture, as large as it gets, at `size` pixels: uint8 [size, size, 3].

    Shrunk by averaging areas; turned as a camera's note in the file says.
    """
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", upright.size, GREY), upright).convert("RGB")
    side = min(opaque.size)
    left, top = ((length - side) // 2 for length in opaque.size)
    box = (left, top, left + side, top + side)
    return np.array(opaque.resize((size, size), Image.Resampling.BOX, box))
