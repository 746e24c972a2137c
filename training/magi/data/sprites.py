"""Dataset `sprites`: 64x64 RGBA characters composed on the fly from an archive of layers.

Source of the drawings: LPC Revised (see CREDITS of the model). The archive's format is that of
`magi layers`: palette indices of every sheet, one lookup table of colours for every colouring.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from magi.data.clip import Clip
from magi.data.layers import LayerArchive
from magi.data.timeline import (
    COMBAT,
    CYCLES,
    LABELS,
    POSES,
    STANDING,
    Phase,
    Pose,
    standing,
    timeline,
)

CELL = 64
DIRECTIONS = ("up", "left", "down", "right")
DOWN = DIRECTIONS.index("down")
MAX_INTERVAL = 4
HELD_OUT = ("Medium 03 - Idol", "Short 05 - Natural", "Shirt 06 - Scoop T-shirt", "Sweater 01 - Cardigan")
"""Items kept out of training, to measure how clothes and hair never seen are drawn."""
SPLITS = {
    "train": range(0, 1_000_000),
    "val": range(1_000_000, 1_000_200),
    "test-combo": range(2_000_000, 2_000_500),
    "test-item": range(3_000_000, 3_000_300),
}
_FOLDS = 16
"""Recipes whose checksum falls into fold 0 are never trained on, so the splits cannot meet."""
_CHANGE_FOLDS = 8
"""One in so many changes of label is never trained on."""
_OTHER_BUILDS = 0.3
"""Share of training's characters that have other proportions than the drawn ones."""
_NATURAL_SKINS = ("Bronze", "Brown", "Coffee", "Honey", "Ivory", "Peach", "Porcelain", "Tan", "Tawny")


@dataclass(frozen=True)
class Layer:
    """One item in one colouring."""

    item: str
    colour: int


@dataclass(frozen=True)
class Recipe:
    """A character: layers from bottom to top. Fighters wear only what has combat sheets."""

    layers: tuple[Layer, ...]
    fighter: bool

    @property
    def labels(self) -> tuple[str, ...]:
        return LABELS if self.fighter else tuple(name for name in LABELS if name not in COMBAT)


@dataclass(frozen=True)
class Build:
    """Proportions of a character beside the drawn ones: the figure is stretched about its feet, its
    head, with all that it wears, then about its chin. A head of its own size is what tells other
    artists' characters from the archive's."""

    width: float
    height: float
    head: float

    @staticmethod
    def random(rng: np.random.Generator) -> Build:
        """Narrow to broad, short to tall, a small head to a large one."""
        width, height, head = rng.uniform((0.85, 0.8, 0.9), (1.2, 1.1, 1.35))
        return Build(float(width), float(height), float(head))

    def apply(self, items: list[str], cells: list[np.ndarray]) -> list[np.ndarray]:
        """Palette indices [64, 64] of the layers of one frame, stretched to nearest pixels."""
        body = _stretch(self.width, _FEET[1]), _stretch(self.height, _FEET[0])
        chin_row, chin_column = _chin(items, cells)
        reached = (_FEET[0] + (chin_row - _FEET[0]) * self.height, _FEET[1] + (chin_column - _FEET[1]) * self.width)
        width, height = self.width * self.head, self.height * self.head
        head = (
            _stretch(width, chin_column, round(reached[1])),
            _stretch(height, chin_row, round(reached[0])),
        )
        return [
            _taken(cell, *(head if item.startswith(_ON_HEAD) else body))
            for item, cell in zip(items, cells, strict=True)
        ]


_FEET = (61, 32)
"""Row and column of a cell that a figure stands on."""
_ON_HEAD = ("Head", "Hair")
"""How the names of items begin that move with the head."""


def _chin(items: list[str], cells: list[np.ndarray]) -> tuple[int, int]:
    """Lowest row and middle column of the head; the feet where there is none."""
    for item, cell in zip(items, cells, strict=True):
        if item.startswith("Head/") and cell.any():
            rows, columns = cell.any(1).nonzero()[0], cell.any(0).nonzero()[0]
            return int(rows[-1]), int(columns[0] + columns[-1] + 1) // 2
    return _FEET


def _stretch(factor: float, fixed: int, target: int | None = None) -> np.ndarray:
    """For every place of a cell's side the place it shows: `fixed` comes to lie at `target`."""
    target = fixed if target is None else target
    return np.rint((np.arange(CELL) - target) / factor).astype(int) + fixed


def _taken(cell: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The cell's pixels at `rows` and `columns`, 0 outside."""
    padded = np.pad(cell, 1)
    edge = CELL + 1
    return padded[np.ix_((rows + 1).clip(0, edge), (columns + 1).clip(0, edge))]


class Wardrobe:
    """Draws recipes: which items go together, and how often each is worn."""

    def __init__(self, archive: LayerArchive, held_out: bool):
        self.archive = archive
        self.held_out = held_out

    def _choose(self, rng: np.random.Generator, prefix: str, fighter: bool) -> str | None:
        names = [
            name
            for name in self.archive.items
            if name.startswith(prefix)
            and not name.endswith("_Behind")
            and (self.held_out or not name.endswith(HELD_OUT))
            and (not fighter or "slash" in self.archive.sheets(name))
        ]
        return names[rng.integers(len(names))] if names else None

    def _coloured(self, rng: np.random.Generator, item: str) -> Layer:
        return Layer(item, int(rng.integers(len(self.archive.colours(item)))))

    def recipe(self, seed: list[int]) -> Recipe:
        """The character of `seed`; the same seed gives the same character."""
        rng = np.random.Generator(np.random.PCG64(seed))
        fighter = bool(rng.random() < 0.75)
        feminine = bool(rng.random() < 0.5)
        cut = "Feminine, Thin" if feminine else "Masculine, Thin"
        body = f"Body/Body 0{1 if feminine else 2} - {cut}"
        heads = ("Head 01 - Feminine",) if feminine else ("Head 02 - Masculine", "Head 03 - Elderly")
        head = f"Head/{heads[rng.integers(len(heads))]}"
        skins = [name for name in self.archive.colours(body) if name in self.archive.colours(head)]
        natural = [name for name in skins if name in _NATURAL_SKINS]
        pool = natural if natural and rng.random() < 0.75 else skins
        skin = pool[rng.integers(len(pool))]

        def in_skin(item: str) -> Layer:
            return Layer(item, self.archive.colours(item).index(skin))

        def wear(layers: list[Layer], prefix: str, chance: float) -> None:
            if rng.random() < chance and (item := self._choose(rng, prefix, fighter)):
                layers.append(self._coloured(rng, item))

        clothing = f"Clothing/{cut}"
        layers = [in_skin(body), in_skin(head)]
        if rng.random() < 0.1 and skin in self.archive.colours("Head/Head Overlay 01 - Large Nose"):
            layers.append(in_skin("Head/Head Overlay 01 - Large Nose"))
        layers.append(self._coloured(rng, "Head/Head Overlay - Eyes"))
        wear(layers, f"{clothing}/Feet/Socks", 0.3)
        wear(layers, f"{clothing}/Legs/", 0.95)
        wear(layers, f"{clothing}/Feet/Shoes", 0.85)
        wear(layers, f"{clothing}/Torso/", 0.95)
        wear(layers, f"{clothing}/Torso 2/", 0.3)
        wear(layers, f"{clothing}/Accessories/", 0.1)

        helm = rng.random() < 0.12
        hair = self._choose(rng, ("Hair/Medium", "Hair/Short")[rng.integers(2)], fighter)
        hair_colour = int(rng.integers(len(self.archive.colours(hair)))) if hair else 0
        if not feminine and rng.random() < 0.3:
            if beard := self._choose(rng, "Hair/Facial Hair", fighter):
                layers.append(Layer(beard, hair_colour))
        if brows := self._choose(rng, "Hair/Eyebrows", fighter):
            layers.append(Layer(brows, hair_colour))
        if helm:
            wear(layers, "Head Accessories/Helm 0", 1.0)
            helm_name = layers[-1].item
            for plume in self.archive.items:
                kind = plume.split(" - ")[-1].split()[0]
                if "Helm Accessory" in plume and kind in helm_name and rng.random() < 0.5:
                    layers.append(self._coloured(rng, plume))
        elif hair:
            layers.append(Layer(hair, hair_colour))
            if (behind := f"{hair}/_Behind") in self.archive.items:
                layers.insert(0, Layer(behind, hair_colour))
        wear(layers, "Head Accessories/Eyewear", 0.12)
        return Recipe(tuple(layers), fighter)


class Sprites:
    """The dataset: a function from a seed to a clip of one character facing one direction."""

    labels = LABELS
    max_interval = MAX_INTERVAL
    frame_shape = (CELL, CELL, 4)
    source = ""

    def __init__(self, layers: Path, split: str = "train"):
        if split not in SPLITS:
            raise ValueError(f"split {split!r}: one of {', '.join(SPLITS)}")
        self.split = split
        self.archive = LayerArchive(layers)
        self.wardrobe = Wardrobe(self.archive, held_out=split == "test-item")

    def __len__(self) -> int:
        return len(SPLITS[self.split])

    @lru_cache(maxsize=4096)  # noqa: B019 - a dataset lives as long as the process
    def recipe(self, index: int) -> Recipe:
        """Character `index` of the split. test-item recipes hold at least one held-out item."""
        seed = SPLITS[self.split][index]
        for attempt in range(1000):
            recipe = self.wardrobe.recipe([seed, attempt])
            if self._belongs(recipe):
                return recipe
        raise RuntimeError(f"no recipe of split {self.split} for seed {seed}")

    def _belongs(self, recipe: Recipe) -> bool:
        if self.split == "test-item":
            return any(layer.item.endswith(HELD_OUT) for layer in recipe.layers)
        kept_from_training = zlib.crc32(repr(recipe).encode()) % _FOLDS == 0
        return kept_from_training == (self.split != "train")

    def compose(
        self, recipe: Recipe, poses: list[Pose], direction: int, build: Build | None = None
    ) -> np.ndarray:
        """RGBA frames uint8 [T, 64, 64, 4] of `recipe` in `poses`; `build` gives it other proportions."""
        distinct = list(dict.fromkeys(poses))
        cells = np.zeros((len(distinct), CELL, CELL), "<u4")
        for frame, pose in enumerate(distinct):
            placed = [self._cell(layer.item, pose, direction) for layer in recipe.layers]
            if build:
                placed = build.apply([layer.item for layer in recipe.layers], placed)
            for layer, indices in zip(recipe.layers, placed, strict=True):
                lut = self.archive.lut(layer.item)[layer.colour]
                np.copyto(cells[frame], lut[indices], where=indices != 0)
        order = [distinct.index(pose) for pose in poses]
        return cells.view(np.uint8).reshape(-1, CELL, CELL, 4)[order]

    def _cell(self, item: str, pose: Pose, direction: int) -> np.ndarray:
        """Palette indices uint8 [64, 64] of an item in a pose."""
        sheet, column = pose
        rows = slice(direction * CELL, (direction + 1) * CELL)
        return self.archive.sheet(item, sheet)[rows, column * CELL : (column + 1) * CELL]

    def _build(self, rng: np.random.Generator) -> Build | None:
        """Proportions of a character: in training some differ from the drawn ones."""
        return Build.random(rng) if self.split == "train" and rng.random() < _OTHER_BUILDS else None

    def poses(self, rng: np.random.Generator, frames: int) -> np.ndarray:
        """Frames uint8 [T, 64, 64, 4] of one random character in random poses: the first one, the
        reference, often stands; the others come from any label."""
        recipe = self.recipe(int(rng.integers(len(self))))
        direction = _direction(rng)
        chosen: list[Pose] = []
        for _ in range(frames):
            cycle = CYCLES[recipe.labels[rng.integers(len(recipe.labels))]]
            chosen.append(cycle[rng.integers(len(cycle))])
        if rng.random() < 0.4:
            chosen[0] = STANDING
        return self.compose(recipe, chosen, direction, self._build(rng))

    def clip(self, seed: int, frames: int) -> Clip:
        """A clip with a random character, direction, interval, starting pose and label schedule."""
        rng = np.random.Generator(np.random.PCG64([seed, 7]))
        recipe = self.recipe(int(rng.integers(len(self))))
        labels = random_schedule(rng, recipe.labels, frames)
        interval = 1 if rng.random() < 0.5 else int(rng.integers(1, MAX_INTERVAL + 1))
        start = standing(labels[0])
        if rng.random() < 0.6:
            name = recipe.labels[rng.integers(len(recipe.labels))]
            start = Phase(name, int(rng.integers(len(CYCLES[name]))))
        direction = _direction(rng)
        unlabelled = rng.random() < 0.1
        build = self._build(rng)
        return self.labelled_clip(recipe, labels, interval, start, direction, unlabelled, build)

    def labelled_clip(
        self,
        recipe: Recipe,
        labels: list[str],
        interval: int,
        start: Phase,
        direction: int,
        unlabelled: bool = False,
        build: Build | None = None,
    ) -> Clip:
        """The true animation of `recipe` under a schedule; `unlabelled` hides the labels (id 0).

        Its state [T, 3]: index of the label in LABELS, of the direction in DIRECTIONS, of the pose in
        POSES.
        """
        poses = timeline(labels, interval, start)
        ids = [0 if unlabelled else LABELS.index(name) + 1 for name in labels]
        return Clip(
            pixels=self.compose(recipe, poses, direction, build),
            interval=interval,
            labels=np.array(ids, np.int64),
            state=np.array(
                [
                    (LABELS.index(name), direction, POSES.index(pose))
                    for name, pose in zip(labels, poses, strict=True)
                ],
                np.int64,
            ),
        )


def _direction(rng: np.random.Generator) -> int:
    """Row of a sheet: facing down a little more often than the other ways."""
    return DOWN if rng.random() < 0.15 else int(rng.integers(len(DIRECTIONS)))


def random_schedule(rng: np.random.Generator, labels: tuple[str, ...], frames: int) -> list[str]:
    """The label of each of `frames` frames, cut at random from runs of 4 to 24 frames, without the
    changes that are withheld from training."""
    while True:
        wanted: list[str] = []
        begin = int(rng.integers(0, 24))
        while len(wanted) < begin + frames:
            name = labels[rng.integers(len(labels))]
            wanted += [name] * int(rng.integers(4, 25))
        schedule = wanted[begin : begin + frames]
        if not any(withheld(*change) for change in changes(schedule)):
            return schedule


def evaluation_schedule(rng: np.random.Generator, labels: tuple[str, ...], frames: int) -> list[str]:
    """The label of each of `frames` frames, changing every 5 to 20 frames, every time in a way that
    is withheld from training. Needs at least two labels."""
    schedule = [labels[rng.integers(len(labels))]]
    while len(schedule) < frames:
        label = schedule[-1]
        ways = [
            (lasting, following)
            for lasting in range(5, 21)
            for following in labels
            if following != label and withheld(label, lasting, following)
        ]
        lasting, following = ways[rng.integers(len(ways))]
        schedule += [label] * (lasting - 1) + [following]
    return schedule[:frames]


def changes(schedule: list[str]) -> list[tuple[str, int, str]]:
    """Every change of label in a schedule: the label, for how many frames, and what follows it."""
    runs = [(label, len(list(run))) for label, run in groupby(schedule)]
    return [(label, lasting, following) for (label, lasting), (following, _) in pairwise(runs)]


def withheld(label: str, lasting: int, following: str) -> bool:
    """Whether training never sees `label` for `lasting` frames and then `following`: for every two
    labels one in eight lengths, kept for measuring."""
    turn = 5 * LABELS.index(label) + 3 * LABELS.index(following)
    return (turn + lasting) % _CHANGE_FOLDS == 0
