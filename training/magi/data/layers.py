"""The archive of character layers: building it from a clone of LPC Revised, and reading it.

Source: the public repository ElizaWy/LPC ("LPC Revised"), licence OGA-BY 3.0. The archive holds its
drawings: who passes it on passes on the collection's credits too. Layout of the folder Characters:

    Body/Body 01 - Feminine, Thin/Walk.png                an item's sheets in its own colours
    Body/Body 01 - Feminine, Thin/Bronze/Walk.png         the same sheet in the colouring Bronze
    Body/Body 01 - Feminine, Thin/_ Unnatural Skin Colors/Amber/Walk.png      a group of colourings
    Hair/Medium 01 - Page/_Behind/Black/Walk.png          the part of an item drawn behind the body
    Clothing/Feminine, Thin/Torso/Shirt 04 - T-shirt/...

So an item is a folder that has sheets of its own, and a `_Behind` folder is an item too; every
other folder inside an item is a colouring if it has sheets, and else a group of colourings.

Archive (.npz): for every item its sheets `ITEM|SHEET`, uint8 [height, width] palette indices, and
its colourings `ITEM|lut`, uint32 [colours, palette], little-endian RGBA. Colouring 0 is `_base`,
palette index 0 is transparent, the other entries stand in the rising order of their base colour.
`meta` is JSON as bytes: {item: {"colours": [name, ...], "anims": {sheet: [height, width]}}}.

Alpha is binary. The drawings have stray pixels that nobody sees: wholly transparent ones with a
colour, and a few of alpha 1 to 8. Both count as transparent here, in building, comparing and
reading; what is read can be composed by "index 0 shows what lies below".
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

VISIBLE_ALPHA = 128
"""Pixels of a smaller alpha are transparent, the others must be opaque."""

CELL = 64
"""Height and width of a sheet are multiples of this many pixels."""

SHEET_FILES = {
    "walk": "Walk.png",
    "run": "Run.png",
    "jump": "Jump.png",
    "idle": "Idle.png",
    "emote": "Emotes.png",
    "sit": "Sitting.png",
    "climb": "Climb.png",
    "guard": "Combat 1h - Idle.png",
    "slash": "Combat 1h - Slash.png",
    "backslash": "Combat 1h - Backslash.png",
    "halfslash": "Combat 1h - Halfslash.png",
    "swing": "Legacy - Swing.png",
}
"""Sheet name in the archive -> file name in the collection. Other files are left out."""

BASE = "_base"
BEHIND = "_Behind"
_FOLDER_ORDER = ("Body", "Head", "Hair", "Head Accessories", "Props", "Clothing")
_MAX_PALETTE = 256


class LayerError(Exception):
    """A file of the collection, or an archive, that is not what it should be; names the file."""


class NotASwap(LayerError):
    """A sheet that is not its base sheet in other colours."""


@dataclass(frozen=True)
class Item:
    """One layer. sheets: uint8 [height, width] indices by name; lut: uint32 [colours, palette]."""

    colours: list[str]
    sheets: dict[str, np.ndarray]
    lut: np.ndarray


class LayerArchive:
    """The archive in memory. Item, sheet and colouring names are those of its `meta`."""

    def __init__(self, path: Path):
        """Raises FileNotFoundError without the file, LayerError where it is not an archive."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no layer archive; `magi layers` builds one")
        try:
            with np.load(path) as archive:
                meta = json.loads(bytes(archive["meta"]))
                self._items = {name: _load(archive, name, meta[name]) for name in meta}
        except (ValueError, KeyError, OSError) as error:
            raise LayerError(f"{path}: not a layer archive: {error}") from error

    @property
    def items(self) -> list[str]:
        """Names of all items, in archive order."""
        return list(self._items)

    def colours(self, item: str) -> list[str]:
        """Names of the colourings; position i is row i of `lut`, position 0 is `_base`."""
        return self._items[item].colours

    def sheets(self, item: str) -> list[str]:
        """Names of the sheets that the item has."""
        return list(self._items[item].sheets)

    def sheet(self, item: str, name: str) -> np.ndarray:
        """Palette indices uint8 [height, width]. Raises KeyError for a sheet it does not have."""
        sheets = self._items[item].sheets
        if name not in sheets:
            raise KeyError(f"{item} has no sheet {name!r}, only {', '.join(sheets)}")
        return sheets[name]

    def lut(self, item: str) -> np.ndarray:
        """Colours uint32 [colours, palette]: viewed as bytes they are R, G, B, A."""
        return self._items[item].lut


def _load(archive: np.lib.npyio.NpzFile, name: str, entry: dict) -> Item:
    """An item of `archive`; palette entries that nobody sees become entry 0."""
    lut = archive[f"{name}|lut"].astype("<u4")
    visible = (lut >> 24).min(axis=0) >= VISIBLE_ALPHA  # [palette]
    shown = np.where(visible, np.arange(len(visible)), 0).astype(np.uint8)
    sheets = {sheet: shown[archive[f"{name}|{sheet}"]] for sheet in entry["anims"]}
    return Item(entry["colours"], sheets, np.where(visible, lut, 0).astype("<u4"))


def build_archive(source: Path, out: Path, warn: Callable[[str], None] = print) -> None:
    """Write the archive `out` from `source`, a clone of the collection or its folder Characters.

    A colouring that cannot be had by exchanging the colours of the base sheets is left out, and an
    item with colourings of which none can is skipped, each with a line to `warn` that names the
    file. What was written is read back and compared with every source file that it stands for.
    The same source gives the same bytes.

    Raises FileNotFoundError where `source` holds no items; LayerError, naming the file, for a sheet
    that cannot be read or has an odd size, and for a comparison that fails.
    """
    root = characters_folder(source)
    folders = sorted(item_folders(root), key=lambda folder: _order(folder.relative_to(root)))
    if not folders:
        raise FileNotFoundError(f"{root}: no items, folders with a file such as Walk.png")
    meta: dict[str, dict] = {}
    arrays: dict[str, np.ndarray] = {}
    for folder in tqdm(folders, "items", disable=None):
        name = folder.relative_to(root).as_posix()
        try:
            item = read_item(folder, warn)
        except NotASwap as problem:
            warn(f"skipped item {name}: {problem}")
            continue
        meta[name] = {
            "colours": item.colours,
            "anims": {sheet: list(indices.shape) for sheet, indices in item.sheets.items()},
        }
        arrays |= {f"{name}|{sheet}": indices for sheet, indices in item.sheets.items()}
        arrays[f"{name}|lut"] = item.lut
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as file:
        np.savez_compressed(file, **arrays)
    verify_archive(out, source)


def verify_archive(path: Path, source: Path) -> int:
    """Compare every colouring of the archive at `path` with its files under `source`, exactly.

    Returns the number of files compared; raises LayerError that names the first file that differs,
    or the folder that lacks a colouring.
    """
    root = characters_folder(source)
    archive = LayerArchive(path)
    compared = 0
    for item in tqdm(archive.items, "checking", disable=None):
        folders = {BASE: root / item} | colouring_folders(root / item)
        for row, colour in zip(archive.lut(item), archive.colours(item), strict=True):
            if colour not in folders:
                raise LayerError(f"{root / item}: has no colouring {colour!r}")
            for sheet in archive.sheets(item):
                file = folders[colour] / SHEET_FILES[sheet]
                if not file.is_file():
                    continue
                if not np.array_equal(row[archive.sheet(item, sheet)], read_sheet(file)):
                    raise LayerError(f"{file}: {path} does not reproduce it")
                compared += 1
    return compared


def characters_folder(source: Path) -> Path:
    """The folder Characters of a clone, or `source` itself where it has no such folder."""
    inner = Path(source) / "Characters"
    return inner if inner.is_dir() else Path(source)


def item_folders(folder: Path) -> Iterator[Path]:
    """The items inside `folder`, at any depth. Raises FileNotFoundError without the folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    for inner in _folders(folder):
        if _has_sheets(inner):
            yield inner
            if _has_sheets(inner / BEHIND):
                yield inner / BEHIND
        else:
            yield from item_folders(inner)


def colouring_folders(item: Path) -> dict[str, Path]:
    """Colouring name -> folder: those of the item itself, then those of its groups, by name."""
    found: dict[str, Path] = {}
    groups = []
    for inner in _folders(item):
        if inner.name == BEHIND:
            continue
        if _has_sheets(inner):
            found[inner.name] = inner
        else:
            groups.append(inner)
    for group in groups:
        for name, inner in colouring_folders(group).items():
            found.setdefault(name, inner)
    return found


def read_item(folder: Path, warn: Callable[[str], None] = print) -> Item:
    """The item in `folder` with those of its colourings that are swaps of its base palette.

    Raises NotASwap where it has colourings and none is a swap, or needs more than 256 colours;
    LayerError for a sheet that cannot be read.
    """
    base = {
        sheet: read_sheet(folder / file)
        for sheet, file in SHEET_FILES.items()
        if (folder / file).is_file()
    }
    palette = np.unique(np.concatenate([[0], *(pixels.ravel() for pixels in base.values())]))
    if len(palette) > _MAX_PALETTE:
        raise NotASwap(f"{folder}: {len(palette)} colours, more than {_MAX_PALETTE}")
    sheets = {
        sheet: np.searchsorted(palette, pixels).astype(np.uint8) for sheet, pixels in base.items()
    }
    colours, rows = [BASE], [palette.astype("<u4")]
    candidates = colouring_folders(folder)
    for name, inner in candidates.items():
        try:
            rows.append(_swapped_palette(inner, sheets, len(palette)))
            colours.append(name)
        except NotASwap as problem:
            warn(f"left out colouring {name}: {problem}")
    if candidates and len(colours) == 1:
        raise NotASwap(f"{folder}: none of its {len(candidates)} colourings is a palette swap")
    return Item(colours, sheets, np.stack(rows))


def read_sheet(file: Path) -> np.ndarray:
    """Colours uint32 [height, width], little-endian RGBA; 0 where transparent.

    Raises LayerError for a file that is no image or whose size is not a multiple of a cell,
    NotASwap for one that is partly transparent to see.
    """
    try:
        with Image.open(file) as image:
            pixels = np.array(image.convert("RGBA"))  # [height, width, 4]
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise LayerError(f"{file}: cannot be read: {error}") from error
    height, width = pixels.shape[:2]
    if height % CELL or width % CELL:
        raise LayerError(f"{file}: {width} x {height} pixels, not a multiple of {CELL}")
    pixels[pixels[..., 3] < VISIBLE_ALPHA] = 0
    if np.any((pixels[..., 3] > 0) & (pixels[..., 3] < 255)):
        raise NotASwap(f"{file}: partly transparent pixels, a palette has none")
    return pixels.view("<u4")[..., 0]


def _swapped_palette(folder: Path, sheets: dict[str, np.ndarray], entries: int) -> np.ndarray:
    """The palette uint32 [entries] under which `sheets` become the files of `folder`.

    A sheet that the colouring lacks is made from the palette of the others.
    """
    palette = np.zeros(entries, "<u4")
    known = np.zeros(entries, bool)
    known[0] = True
    for sheet, indices in sheets.items():
        file = folder / SHEET_FILES[sheet]
        if not file.is_file():
            continue
        pixels = read_sheet(file)
        if pixels.shape != indices.shape:
            raise NotASwap(f"{file}: {pixels.shape} pixels, its base has {indices.shape}")
        present, first = np.unique(indices, return_index=True)
        new = ~known[present]
        palette[present[new]] = pixels.ravel()[first[new]]
        known[present] = True
        wrong = np.argwhere(palette[indices] != pixels)
        if len(wrong):
            y, x = wrong[0]
            raise NotASwap(f"{file}: {len(wrong)} pixels are no palette swap, one at ({x}, {y})")
    if not known.all():
        raise NotASwap(f"{folder}: its sheets leave {int((~known).sum())} palette entries open")
    return palette


def _folders(folder: Path) -> list[Path]:
    return sorted(
        inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")
    )


def _has_sheets(folder: Path) -> bool:
    return any((folder / file).is_file() for file in SHEET_FILES.values())


def _order(path: Path) -> tuple:
    top = path.parts[0]
    rank = _FOLDER_ORDER.index(top) if top in _FOLDER_ORDER else len(_FOLDER_ORDER)
    return rank, path.parts


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of the command `layers`."""
    parser.add_argument(
        "--source", type=Path, required=True, help="a clone of ElizaWy/LPC, or its Characters"
    )
    parser.add_argument("--out", type=Path, required=True, help="the archive to write, .npz")


def run(args: Namespace) -> None:
    """The command `layers`: build, check and describe the archive."""
    build_archive(args.source, args.out, tqdm.write)
    archive = LayerArchive(args.out)
    colourings = sum(len(archive.colours(item)) for item in archive.items)
    size = args.out.stat().st_size / 2**20
    print(f"{args.out}: {len(archive.items)} items, {colourings} colourings, {size:.1f} MiB")
