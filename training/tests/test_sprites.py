"""Characters composed from a made-up archive of layers."""

import numpy as np
import pytest

from magi.data.layers import LayerArchive
from magi.data.sprites import (
    DOWN,
    HELD_OUT,
    SPLITS,
    Layer,
    Recipe,
    Sprites,
    changes,
    evaluation_schedule,
    random_schedule,
)
from magi.data.timeline import COMBAT, CYCLES, LABELS, POSES, standing


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


def test_schedules_to_measure_with_only_change_in_ways_that_training_never_sees():
    rng = np.random.default_rng(0)
    peaceful = tuple(name for name in LABELS if name not in COMBAT)
    trained = {
        change for _ in range(400) for change in changes(random_schedule(rng, LABELS, 24))
    }
    for labels in (LABELS, peaceful):
        for _ in range(10):
            schedule = evaluation_schedule(rng, labels, 500)
            assert len(schedule) == 500 and set(schedule) == set(labels)
            assert all(5 <= lasting <= 20 for _, lasting, _ in changes(schedule))
            assert not trained & set(changes(schedule))


def test_every_label_follows_every_other_in_training_and_in_measuring():
    rng = np.random.default_rng(1)
    pairs = {(one, other) for one in LABELS for other in LABELS if one != other}
    trained = [changes(random_schedule(rng, LABELS, 24)) for _ in range(1500)]
    assert {(one, other) for change in trained for one, _, other in change} == pairs
    measured = changes(evaluation_schedule(rng, LABELS, 20_000))
    assert {(one, other) for one, _, other in measured} == pairs


def test_the_state_of_a_clip_names_the_pose_of_every_frame(sprites):
    recipe = next(r for r in map(sprites.recipe, range(99)) if r.fighter)
    clip = sprites.labelled_clip(recipe, ["swing"] * 9, 1, standing("swing"), 3)
    assert [POSES[pose] for pose in clip.state[:, 2]] == [POSES[0], *CYCLES["swing"]]
    assert set(clip.state[:, 1]) == {3}


def test_a_labelled_clip_shows_its_timeline(sprites):
    recipe = next(r for r in map(sprites.recipe, range(99)) if r.fighter)
    clip = sprites.labelled_clip(recipe, ["slash"] * 16, 1, standing("slash"), DOWN)
    assert np.array_equal(clip.pixels[0], sprites.compose(recipe, [("idle", 0)], DOWN)[0])
    assert np.array_equal(clip.pixels[3], sprites.compose(recipe, [CYCLES["slash"][2]], DOWN)[0])
    assert (clip.labels == LABELS.index("slash") + 1).all()


def test_an_unknown_split_names_those_there_are(archive):
    with pytest.raises(ValueError, match="test-combo"):
        Sprites(archive, "trian")
