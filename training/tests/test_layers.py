import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from magi.data import layers
from magi.data.layers import LayerArchive, LayerError, build_archive, verify_archive

BODY = "Body/Body 01 - Feminine, Thin"
HAIR = "Hair/Medium 01 - Page"
SHIRT = "Clothing/Feminine, Thin/Torso/Shirt 04 - T-shirt"
SHAPES = {"Walk.png": (256, 512), "Combat 1h - Idle.png": (256, 128)}
SHEETS = {"walk": (256, 512), "guard": (256, 128)}


def palette(seed: int, colours: int = 4) -> np.ndarray:
    """uint8 [colours + 1, 4] of different colours; entry 0 is transparent."""
    rng = np.random.default_rng(seed)
    made = np.zeros((colours + 1, 4), np.uint8)
    made[1:, 0] = rng.permutation(256)[:colours]
    made[1:, 1:3] = rng.integers(0, 256, (colours, 2))
    made[1:, 3] = 255
    return made


def drawing(item: str, file: str) -> np.ndarray:
    """What every colouring of a sheet shows: indices [height, width]; all five occur."""
    height, width = SHAPES[file]
    return (np.arange(height)[:, None] // 9 + np.arange(width) // (3 + len(item) % 5)) % 5


def save(file: Path, pixels: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels, "RGBA").save(file)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A made-up collection: four items (one of them behind another), two colourings each."""
    root = tmp_path / "LPC"
    folders = {
        BODY: ["", "Bronze", "_ Unnatural Skin Colors/Amber"],
        HAIR: ["", "Black", "Ash Brown"],
        f"{HAIR}/_Behind": ["", "Black", "Ash Brown"],
        SHIRT: ["", "Aegean", "Red"],
    }
    for item, colourings in folders.items():
        for number, colouring in enumerate(colourings):
            for file in SHAPES:
                pixels = palette(number)[drawing(item, file)]
                save(root / "Characters" / item / colouring / file, pixels)
    save(root / "Characters" / BODY / "Expressions.png", np.zeros((10, 10, 4), np.uint8))
    (root / "Characters" / "Credits.txt").write_text("the artists")
    return root


def built(clone: Path, warnings: list[str] | None = None) -> LayerArchive:
    out = clone.parent / "layers.npz"
    build_archive(clone, out, [].append if warnings is None else warnings.append)
    return LayerArchive(out)


def test_the_archive_names_items_colourings_and_sheets(clone):
    warnings: list[str] = []
    archive = built(clone, warnings)
    assert archive.items == [BODY, HAIR, f"{HAIR}/_Behind", SHIRT]
    assert archive.colours(BODY) == ["_base", "Bronze", "Amber"]
    assert archive.colours(HAIR) == ["_base", "Ash Brown", "Black"]
    assert archive.sheets(SHIRT) == ["walk", "guard"]
    assert warnings == []


def test_every_colouring_of_the_archive_shows_the_pixels_of_its_file(clone):
    archive = built(clone)
    for folder, row in (("", 0), ("Bronze", 1), ("_ Unnatural Skin Colors/Amber", 2)):
        with Image.open(clone / "Characters" / BODY / folder / "Walk.png") as image:
            truth = np.array(image)
        colours = archive.lut(BODY)[row][archive.sheet(BODY, "walk")]
        assert np.array_equal(colours.view(np.uint8).reshape(truth.shape), truth)


def test_the_file_has_the_documented_format(clone):
    built(clone)
    with np.load(clone.parent / "layers.npz") as file:
        meta = json.loads(bytes(file["meta"]))
        assert meta[SHIRT]["colours"] == ["_base", "Aegean", "Red"]
        assert meta[SHIRT]["anims"] == {name: list(shape) for name, shape in SHEETS.items()}
        indices, lut = file[f"{SHIRT}|walk"], file[f"{SHIRT}|lut"]
    assert indices.dtype == np.uint8 and indices.shape == SHEETS["walk"]
    assert lut.dtype == np.dtype("<u4") and lut.shape == (3, 5)
    assert not lut[:, 0].any() and (np.diff(lut[0].astype(np.int64)) > 0).all()
    red, green, blue, alpha = palette(0)[1].tolist()
    assert red | green << 8 | blue << 16 | alpha << 24 in lut[0]


def test_the_same_source_gives_the_same_bytes(clone):
    built(clone)
    first = (clone.parent / "layers.npz").read_bytes()
    built(clone)
    assert (clone.parent / "layers.npz").read_bytes() == first


def test_the_folder_characters_itself_is_a_source_too(clone):
    assert built(clone / "Characters").items == built(clone).items


def test_pixels_that_nobody_sees_are_index_0(clone):
    for folder in ("", "Bronze", "_ Unnatural Skin Colors/Amber"):
        file = clone / "Characters" / BODY / folder / "Walk.png"
        pixels = np.array(Image.open(file))
        pixels[0, :2] = (200, 10, 10, 0), (40, 24, 32, 3)
        save(file, pixels)
    archive = built(clone)
    assert archive.sheet(BODY, "walk")[0, :2].tolist() == [0, 0]
    assert archive.lut(BODY).shape == (3, 5)


def test_an_older_archive_with_invisible_entries_is_read_without_them(tmp_path):
    lut = np.array([[0, 0x00201828, 0x03201828, 0xFF201828]], "<u4")
    meta = {"Hat": {"colours": ["_base"], "anims": {"walk": [1, 4]}}}
    np.savez(
        tmp_path / "old.npz",
        **{"Hat|walk": np.array([[0, 1, 2, 3]], np.uint8), "Hat|lut": lut},
        meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
    )
    archive = LayerArchive(tmp_path / "old.npz")
    assert archive.sheet("Hat", "walk").tolist() == [[0, 0, 0, 3]]
    assert archive.lut("Hat").tolist() == [[0, 0, 0, 0xFF201828]]


def test_a_colouring_with_a_wrong_palette_is_left_out_and_its_file_named(clone):
    file = clone / "Characters" / SHIRT / "Red" / "Combat 1h - Idle.png"
    pixels = np.array(Image.open(file))
    pixels[17, 23] = (1, 2, 3, 255)
    save(file, pixels)
    warnings: list[str] = []
    archive = built(clone, warnings)
    assert archive.colours(SHIRT) == ["_base", "Aegean"]
    assert len(warnings) == 1 and str(file) in warnings[0] and "(23, 17)" in warnings[0]


def test_an_item_none_of_whose_colourings_is_a_swap_is_skipped(clone):
    for colour in ("Aegean", "Red"):
        file = clone / "Characters" / SHIRT / colour / "Walk.png"
        save(file, np.roll(np.array(Image.open(file)), 1, axis=1))
    warnings: list[str] = []
    assert built(clone, warnings).items == [BODY, HAIR, f"{HAIR}/_Behind"]
    assert warnings[-1].startswith(f"skipped item {SHIRT}")


def test_a_file_that_the_archive_does_not_reproduce_is_named(clone):
    built(clone)
    out = clone.parent / "layers.npz"
    assert verify_archive(out, clone) == 4 * 3 * 2
    file = clone / "Characters" / HAIR / "Black" / "Walk.png"
    save(file, palette(7)[drawing(HAIR, "Walk.png")])
    with pytest.raises(LayerError, match="Medium 01 - Page/Black/Walk.png"):
        verify_archive(out, clone)


def test_a_sheet_that_a_colouring_lacks_is_made_from_its_other_sheets(clone):
    (clone / "Characters" / SHIRT / "Red" / "Walk.png").unlink()
    archive = built(clone)
    assert archive.colours(SHIRT) == ["_base", "Aegean", "Red"]
    made = archive.lut(SHIRT)[2][archive.sheet(SHIRT, "walk")]
    truth = np.ascontiguousarray(palette(2)[drawing(SHIRT, "Walk.png")]).view("<u4")[..., 0]
    assert np.array_equal(made, truth)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(file.read_bytes()[:200]),
        lambda file: file.write_text("version https://git-lfs"),
        lambda file: save(file, np.zeros((60, 64, 4), np.uint8)),
    ],
)
@pytest.mark.parametrize("folder", ["", "Red"])
def test_a_damaged_file_stops_the_build_and_is_named(clone, spoil, folder):
    file = clone / "Characters" / SHIRT / folder / "Walk.png"
    spoil(file)
    with pytest.raises(LayerError) as error:
        built(clone)
    assert str(file) in str(error.value)


def test_a_source_without_items_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no items"):
        build_archive(tmp_path, tmp_path / "out.npz")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        build_archive(tmp_path / "nowhere", tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_what_is_no_archive_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no layer archive"):
        LayerArchive(tmp_path / "none.npz")
    (tmp_path / "odd.npz").write_text("text")
    np.savez(tmp_path / "empty.npz", other=np.zeros(1))
    for name in ("odd.npz", "empty.npz"):
        with pytest.raises(LayerError, match=name):
            LayerArchive(tmp_path / name)


def test_a_sheet_that_an_item_does_not_have_is_named(clone):
    with pytest.raises(KeyError, match="no sheet 'swing', only walk, guard"):
        built(clone).sheet(HAIR, "swing")


def test_the_command_builds_and_describes_the_archive(clone, capsys):
    parser = argparse.ArgumentParser()
    layers.add_arguments(parser)
    out = clone.parent / "made" / "layers.npz"
    layers.run(parser.parse_args(["--source", str(clone), "--out", str(out)]))
    assert "4 items, 12 colourings" in capsys.readouterr().out
    assert LayerArchive(out).items[0] == BODY
