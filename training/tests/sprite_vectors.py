"""What `npm run quality` must agree on with this package: characters, timelines, pictures, figures.

`PYTHONPATH=. .venv/bin/python tests/sprite_vectors.py` writes them anew, after a change that is meant.
"""

import base64
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np

from magi.data.layers import LayerArchive
from magi.data.sprites import DIRECTIONS, Layer, Recipe, Sprites, random_schedule
from magi.data.timeline import CYCLES, LABELS, Phase, timeline
from magi.metrics import exact_colour_share, psnr, summary
from conftest import made_up_archive

FOLDER = Path(__file__).parent / "golden"
VECTORS = FOLDER / "sprites.json"
LAYERS = FOLDER / "layers.npz"

_DIGITS = 9
"""Of figures: their last bits differ between machines."""

_BODY, _SHIRT = "Body", "Clothing/Shirt"
_POSES = [("walk", 1), ("idle", 0), ("walk", 0), ("walk", 1)]


def write_layers(path: Path) -> None:
    """A small archive as NumPy writes it. An entry that is transparent in one colouring is in none
    to see."""
    rng = np.random.default_rng(5)
    arrays, meta = {}, {}
    for item, entries in ((_BODY, 4), (_SHIRT, 6)):
        sheets = {"walk": 2, "idle": 1}
        for sheet, columns in sheets.items():
            blocks = rng.integers(0, entries, (32, 8 * columns), dtype=np.uint8)
            arrays[f"{item}|{sheet}"] = blocks.repeat(8, 0).repeat(8, 1)
        lut = rng.integers(0, 1 << 24, (3, entries), dtype=np.uint32) | 0xFF000000
        lut[:, 0] = 0
        lut[1, 2] &= 0x7FFFFFFF
        arrays[f"{item}|lut"] = lut
        anims = {sheet: [256, 64 * columns] for sheet, columns in sheets.items()}
        meta[item] = {"colours": ["_base", "Red", "Blue"], "anims": anims}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez_compressed(path, **arrays)


def vectors() -> dict:
    return {
        "timelines": [_timeline(seed) for seed in range(24)],
        **_characters(),
        "composed": _composed(),
        "clips": [_clip(seed) for seed in range(3)],
        "summary": _summary(),
    }


def _timeline(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    labels = random_schedule(rng, LABELS, 40)
    label = LABELS[rng.integers(len(LABELS))]
    start = Phase(label, int(rng.integers(-1, len(CYCLES[label]))))
    interval = int(rng.integers(1, 5))
    return {
        "labels": labels,
        "interval": interval,
        "start": {"label": start.label, "index": start.index},
        "poses": timeline(labels, interval, start),
    }


def _characters() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = made_up_archive(Path(folder) / "layers.npz")
        archive = LayerArchive(path)
        recipes = {
            split: [_recipe(sprites.recipe(index)) for index in range(12)]
            for split in ("val", "test-combo", "test-item")
            for sprites in [Sprites(path, split)]
        }
    items = {
        item: {
            "colours": archive.colours(item),
            "anims": {sheet: archive.sheet(item, sheet).shape for sheet in archive.sheets(item)},
        }
        for item in archive.items
    }
    return {"archive": items, "recipes": recipes}


def _recipe(recipe: Recipe) -> dict:
    return {
        "fighter": recipe.fighter,
        "labels": recipe.labels,
        "layers": [[layer.item, layer.colour] for layer in recipe.layers],
    }


def _composed() -> dict:
    recipe = Recipe((Layer(_BODY, 1), Layer(_SHIRT, 2)), False)
    frames = Sprites(LAYERS).compose(recipe, _POSES, DIRECTIONS.index("left"))
    return {
        **_recipe(recipe),
        "poses": _POSES,
        "direction": "left",
        "sha256": hashlib.sha256(frames.tobytes()).hexdigest(),
    }


def _clip(seed: int) -> dict:
    """Two clips of 3 RGBA frames that differ in few, in half and in most pixels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 256, (3, 6, 5, 4), dtype=np.uint8)
    made = truth.copy()
    wrong = rng.random(made.shape) < (0.02, 0.2, 0.6)[seed]
    made[wrong] = rng.integers(0, 256, int(wrong.sum()), dtype=np.uint8)
    return {
        "truth": base64.b64encode(truth.tobytes()).decode(),
        "made": base64.b64encode(made.tobytes()).decode(),
        "frames": len(truth),
        "psnr": round(psnr(truth, made), _DIGITS),
        "exactColourShare": round(exact_colour_share(truth, made), _DIGITS),
    }


def _summary() -> dict:
    values = np.random.default_rng(3).normal(28, 2, 17).round(3).tolist()
    return {"values": values} | {key: round(value, _DIGITS) for key, value in summary(values).items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_layers(LAYERS)
    VECTORS.write_text(json.dumps(vectors(), separators=(",", ":")) + "\n")
