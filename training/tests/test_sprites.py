"""Characters composed from a made-up archive of layers."""

import numpy as np
import pytest

from magi.data.layers import LayerArchive
from magi.data.sprites import DOWN, HELD_OUT, SPLITS, Layer, Recipe, Sprites, random_schedule
from magi.data.timeline import CYCLES, LABELS, standing
from magi.evaluate import measure, table

SHEETS = {"walk": 8, "run": 8, "jump": 6, "idle": 3, "guard": 2, "slash": 7, "backslash": 12}
SHEETS |= {"halfslash": 6, "swing": 6}
COMBAT = {"guard", "slash", "backslash", "halfslash", "swing"}


def made_up_archive(path):
    """Every item that recipes ask for, as a box of its own whose column and row tell the cell."""
    import json

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


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return made_up_archive(tmp_path_factory.mktemp("layers") / "layers.npz")


@pytest.fixture(scope="module")
def sprites(archive):
    return Sprites(archive)


def test_a_clip_is_the_same_for_the_same_seed(sprites):
    first, second = sprites.clip(5, 16), sprites.clip(5, 16)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(first.pixels, sprites.clip(6, 16).pixels)
    assert first.pixels.shape == (16, 64, 64, 4)
    assert 1 <= first.interval <= 4


def test_layers_cover_each_other_in_order(sprites, archive):
    body = Layer("Body/Body 01 - Feminine, Thin", 1)
    shirt = Layer("Clothing/Feminine, Thin/Torso/Shirt 01", 2)
    both = sprites.compose(Recipe((body, shirt), True), [("walk", 3)], DOWN)[0]
    above = sprites.compose(Recipe((shirt,), True), [("walk", 3)], DOWN)[0]
    below = sprites.compose(Recipe((body,), True), [("walk", 3)], DOWN)[0]
    covered = above[..., 3] > 0
    assert np.array_equal(both[covered], above[covered])
    assert np.array_equal(both[~covered], below[~covered])


def test_a_cell_is_the_one_of_its_direction_and_column(sprites, archive):
    item = "Body/Body 01 - Feminine, Thin"
    source = LayerArchive(archive)
    frame = sprites.compose(Recipe((Layer(item, 0),), True), [("slash", 5)], 1)[0]
    cell = source.sheet(item, "slash")[64:128, 5 * 64 : 6 * 64]
    assert np.array_equal(frame[..., 3] > 0, cell > 0)


def test_who_wears_what_has_no_combat_sheets_does_not_fight(sprites):
    recipes = [sprites.recipe(index) for index in range(300)]
    for recipe in recipes:
        socks = any("Socks" in layer.item for layer in recipe.layers)
        assert not (socks and recipe.fighter)
        assert ("slash" in recipe.labels) == recipe.fighter
    assert any(recipe.fighter for recipe in recipes)
    assert any(not recipe.fighter for recipe in recipes)


def test_a_head_has_the_skin_of_its_body(sprites):
    for index in range(50):
        layers = sprites.recipe(index).layers
        body = next(layer for layer in layers if layer.item.startswith("Body/"))
        head = next(layer for layer in layers if layer.item.startswith("Head/Head 0"))
        assert body.colour == head.colour


def test_characters_of_the_test_are_never_trained_on(archive, sprites):
    trained = {sprites.recipe(index) for index in range(3000)}
    for split in ("val", "test-combo"):
        other = Sprites(archive, split)
        assert not trained & {other.recipe(index) for index in range(100)}


def test_items_kept_out_are_in_no_training_character_and_in_every_test_item(archive, sprites):
    def wears_one(recipe):
        return any(layer.item.endswith(HELD_OUT) for layer in recipe.layers)

    assert not any(wears_one(sprites.recipe(index)) for index in range(500))
    items = Sprites(archive, "test-item")
    assert len(items) == len(SPLITS["test-item"]) == 300
    assert all(wears_one(items.recipe(index)) for index in range(40))


def test_labels_change_inside_clips(sprites):
    changes = [len(set(sprites.clip(seed, 16).state[:, 0])) for seed in range(60)]
    assert np.mean([count > 1 for count in changes]) > 0.4


def test_one_clip_in_ten_is_unlabelled(sprites):
    share = np.mean([sprites.clip(seed, 4).labels[0] == 0 for seed in range(400)])
    assert 0.05 < share < 0.16


def test_schedules_only_use_the_labels_they_may():
    rng = np.random.default_rng(0)
    assert set(random_schedule(rng, ("walk", "jump"), 200)) == {"walk", "jump"}


def test_a_labelled_clip_shows_its_timeline(sprites):
    recipe = next(r for r in map(sprites.recipe, range(99)) if r.fighter)
    clip = sprites.labelled_clip(recipe, ["slash"] * 16, 1, standing("slash"), DOWN)
    assert np.array_equal(clip.pixels[0], sprites.compose(recipe, [("idle", 0)], DOWN)[0])
    assert np.array_equal(clip.pixels[3], sprites.compose(recipe, [CYCLES["slash"][2]], DOWN)[0])
    assert (clip.labels == LABELS.index("slash") + 1).all()


def test_the_table_shows_a_perfect_model_above_a_copy(sprites):
    answers = {}

    def perfect(frames):
        answers[frames[0].tobytes()] = frames
        return frames

    result = measure(sprites, 6, None, perfect)
    assert result["psnr"]["tokenizer"]["walk"]["mean"] == pytest.approx(60)
    assert result["psnr"]["copy of the first frame"]["walk"]["mean"] < 40
    assert result["exactColourShare"]["tokenizer"]["mean"] == 1
    text = table(result)
    assert "| tokenizer | 60.00" in text


def test_an_unknown_split_names_those_there_are(archive):
    with pytest.raises(ValueError, match="test-combo"):
        Sprites(archive, "trian")
