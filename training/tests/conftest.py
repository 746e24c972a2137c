"""What several tests need: an archive of layers that is nobody's drawing."""

import json
from pathlib import Path

import numpy as np
import pytest

SHEETS = {"walk": 8, "run": 8, "jump": 6, "idle": 3, "guard": 2, "slash": 7, "backslash": 12}
SHEETS |= {"halfslash": 6, "swing": 6}
COMBAT = {"guard", "slash", "backslash", "halfslash", "swing"}


def made_up_archive(path: Path) -> Path:
    """Every item that recipes ask for, as a box of its own whose column and row tell the cell."""
    names = ["Head/Head Overlay - Eyes", "Hair/Eyebrows 01 - Thin", "Hair/Facial Hair 01 - Beard"]
    names += ["Hair/Medium 01 - Page", "Hair/Medium 01 - Page/_Behind", "Hair/Short 01 - Buzz"]
    names += ["Hair/Short 05 - Natural", "Head Accessories/Eyewear 01 - Glasses"]
    names += ["Head Accessories/Helm 01 - Bascinet", "Head/Head Overlay 01 - Large Nose"]
    names += ["Head Accessories/Helm Accessory 01 - Bascinet Plumage"]
    for body, heads in (("Feminine, Thin", ("01 - Feminine",)), ("Masculine, Thin", ("02 - Masculine", "03 - Elderly"))):
        names += [f"Body/Body 0{1 if body[0] == 'F' else 2} - {body}"]
        names += [f"Head/Head {head}" for head in heads]
        for part in ("Feet/Socks 01", "Feet/Shoes 01", "Legs/Pants 01", "Torso/Shirt 01", "Torso 2/Vest", "Accessories/Bowtie"):
            names.append(f"Clothing/{body}/{part}")
    arrays, meta = {}, {}
    for number, name in enumerate(names):
        peaceful = "Socks" in name
        sheets = {key: n for key, n in SHEETS.items() if not (peaceful and key in COMBAT)}
        for sheet, columns in sheets.items():
            drawn = np.zeros((256, 64 * columns), np.uint8)
            for row in range(4):
                for column in range(columns):
                    top, left = row * 64 + 4 + number, column * 64 + 4 + column + row
                    drawn[top : top + 20, left : left + 20] = 1 + (column % 2)
            arrays[f"{name}|{sheet}"] = drawn
        lut = np.zeros((3, 3), "<u4")
        for colour in range(3):
            lut[colour, 1:] = [0xFF000000 | (number * 7 + colour * 80 + shade * 30) for shade in (1, 2)]
        arrays[f"{name}|lut"] = lut
        colours = ["_base", "Bronze", "Brown"]
        meta[name] = {"colours": colours, "anims": {key: [256, 64 * n] for key, n in sheets.items()}}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    return made_up_archive(tmp_path_factory.mktemp("layers") / "layers.npz")
