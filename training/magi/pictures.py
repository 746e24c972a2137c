"""Frames as files to look at: a contact sheet (PNG) and an animation (GIF)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from magi.config import TokenizerConfig, Unusable
from magi.data.fit import fitted

PAGE = (236, 236, 236)
INK = (24, 24, 24)
CHECKER = (188, 204)
"""The two greys behind transparent pixels."""

CHECKER_PIXELS = 8
"""Width of a square of the checker in pixels of a frame."""

GAP = 2
"""Pixels of page between two frames of a contact sheet."""

NAME_HEIGHT = 16
"""Pixels above a row of a contact sheet, for its name."""

_OPAQUE_ALPHA = 128
_TRANSPARENT = 255
"""Palette index of transparent pixels in a GIF."""


def contact_sheet(
    rows: Sequence[np.ndarray], names: Sequence[str], path: Path, scale: int = 2
) -> None:
    """Write a PNG with one row of frames for each clip, its name above it.

    rows: uint8 [T, H, W, 3 or 4] each, of any lengths and sizes; transparent pixels show a grey
    checker. scale: screen pixels a pixel. Missing folders of `path` are made. Raises ValueError
    where a row has no name or is no clip.
    """
    if len(rows) != len(names) or not rows:
        raise ValueError(f"{len(rows)} rows, {len(names)} names")
    strips = [_strip(enlarged(frames, scale), scale) for frames in rows]
    font = ImageFont.load_default(size=12)
    width = max(
        GAP + max(strip.shape[1] for strip in strips),
        *(2 * GAP + int(font.getlength(name)) + 1 for name in names),
    )
    height = sum(NAME_HEIGHT + strip.shape[0] for strip in strips)
    page = Image.new("RGB", (width, height), PAGE)
    pen = ImageDraw.Draw(page)
    top = 0
    for strip, name in zip(strips, names, strict=True):
        pen.text((GAP, top + NAME_HEIGHT // 2), name, INK, font, anchor="lm")
        top += NAME_HEIGHT
        page.paste(Image.fromarray(strip), (GAP, top))
        top += strip.shape[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, format="PNG")


def write_gif(frames: np.ndarray, path: Path, fps: float = 8, scale: int = 4) -> None:
    """Write an endless GIF of uint8 [T, H, W, 3 or 4]; alpha below 128 is transparent.

    Up to 255 colours in the whole animation are kept exactly, more are reduced to 255. GIF counts
    hundredths of a second: delays are rounded so that frames do not drift from t / fps, and equal
    neighbours become one frame of their delays' sum. Missing folders of `path` are made. Raises
    ValueError where frames are no clip, or fps is not above 0 and at most 100.
    """
    if not 0 < fps <= 100:
        raise ValueError(f"fps {fps}: must be above 0 and at most 100")
    frames = enlarged(frames, scale)
    indices, palette = _indexed(frames)
    pictures = []
    for picture in indices:
        image = Image.fromarray(picture, "P")
        image.putpalette(palette)
        pictures.append(image)
    ends = [round(100 * (index + 1) / fps) * 10 for index in range(len(frames))]
    delays = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=delays,
        loop=0,
        disposal=2,
        transparency=_TRANSPARENT,
        optimize=False,
    )


def enlarged(frames: np.ndarray, scale: int) -> np.ndarray:
    """Every pixel as a square of `scale`: uint8 [T, H, W, C] -> [T, H * scale, W * scale, C].

    Raises ValueError unless uint8 RGB or RGBA with at least one frame, or for a scale below 1.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (3, 4):
        raise ValueError(
            f"frames must be uint8 [T, H, W, 3 or 4], not {frames.dtype} {frames.shape}"
        )
    if not len(frames) or scale < 1:
        raise ValueError(f"{len(frames)} frames at scale {scale}: both must be at least 1")
    return frames.repeat(scale, axis=1).repeat(scale, axis=2)


def on_checker(frames: np.ndarray, square: int) -> np.ndarray:
    """RGBA uint8 [T, H, W, 4] over a checker of `square` pixels: RGB uint8 [T, H, W, 3]."""
    height, width = frames.shape[1:3]
    odd = (np.arange(height)[:, None] // square + np.arange(width) // square) % 2
    ground = np.array(CHECKER, np.float32)[odd][..., None]  # [H, W, 1]
    alpha = frames[..., 3:].astype(np.float32) / 255
    return (frames[..., :3] * alpha + ground * (1 - alpha) + 0.5).astype(np.uint8)


def _strip(frames: np.ndarray, scale: int) -> np.ndarray:
    """Frames side by side, a gap right of and below each: uint8 [H + gap, T * (W + gap), 3]."""
    if frames.shape[-1] == 4:
        frames = on_checker(frames, CHECKER_PIXELS * scale)
    count, height, width, _ = frames.shape
    strip = np.empty((height + GAP, count, width + GAP, 3), np.uint8)
    strip[:] = PAGE
    strip[:height, :, :width] = frames.transpose(1, 0, 2, 3)
    return strip.reshape(height + GAP, -1, 3)


def _indexed(frames: np.ndarray) -> tuple[np.ndarray, bytes]:
    """Palette indices uint8 [T, H, W] and the palette they share, 256 RGB triples as bytes."""
    rgb = np.ascontiguousarray(frames[..., :3])
    visible = np.ones(frames.shape[:3], bool)
    if frames.shape[-1] == 4:
        visible = frames[..., 3] >= _OPAQUE_ALPHA
    rgb[~visible] = 0
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours = np.unique(packed[visible])
    if len(colours) <= _TRANSPARENT:
        indices = np.searchsorted(colours, packed)
        table = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], -1).astype(np.uint8)
    else:
        # One tall picture of all visible pixels, so that the reduction does not weigh the others.
        reduced = Image.fromarray(rgb[visible][:, None]).quantize(
            _TRANSPARENT, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        indices = np.zeros(packed.shape, np.uint8)
        indices[visible] = np.asarray(reduced)[:, 0]
        table = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)[:_TRANSPARENT]
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(table)] = table
    return np.where(visible, indices, _TRANSPARENT).astype(np.uint8), palette.tobytes()


def read_frame(path: Path, tokenizer: TokenizerConfig) -> np.ndarray:
    """A picture as a first frame, uint8 [h, w, c] of the tokenizer's size and channels.

    For RGB the middle of a picture of any size, as the service takes it. Raises Unusable for a
    picture of another size where there is an alpha channel.
    """
    size = tokenizer.frame_size
    with Image.open(path) as image:
        if tokenizer.frame_channels == 3:
            return fitted(image, size)
        if image.size != (size, size):
            found = "x".join(map(str, image.size))
            raise Unusable(f"{path}: {found} pixels; a first frame has {size}x{size}")
        return np.array(image.convert("RGBA"))
