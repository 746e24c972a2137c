import numpy as np
import pytest
from PIL import Image, ImageSequence

from magi.config import TokenizerConfig
from magi.pictures import (
    CHECKER,
    GAP,
    NAME_HEIGHT,
    PAGE,
    contact_sheet,
    enlarged,
    read_frame,
    write_gif,
)


def moving_dot(frames: int = 5) -> np.ndarray:
    """RGBA [T, 6, 8, 4]: a dot of a new colour in every frame on nothing."""
    clip = np.zeros((frames, 6, 8, 4), np.uint8)
    for index in range(frames):
        clip[index, 2, index] = (30 * index, 250 - 30 * index, 9, 255)
    return clip


def gif_frames(path) -> list[np.ndarray]:
    with Image.open(path) as image:
        return [np.array(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]


def delays(path) -> list[int]:
    with Image.open(path) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def test_a_contact_sheet_shows_every_frame_of_every_row(tmp_path):
    path = tmp_path / "new" / "sheet.png"
    dot, flat = moving_dot(), np.full((3, 10, 7, 3), 77, np.uint8)
    contact_sheet([dot, flat], ["dot", "flat"], path, scale=3)
    page = np.array(Image.open(path))
    assert page.shape == (2 * NAME_HEIGHT + 18 + 30 + 2 * GAP, GAP + 5 * (24 + GAP), 3)
    for index in range(5):
        left, top = GAP + index * (24 + GAP), NAME_HEIGHT
        cell = page[top : top + 18, left : left + 24]
        dots = cell[6:9, 3 * index : 3 * index + 3].reshape(-1, 3)
        assert (dots == dot[index, 2, index, :3]).all()
        assert set(cell[0].ravel().tolist()) <= set(CHECKER)
        assert (page[top : top + 18, left + 24 : left + 24 + GAP] == PAGE).all()
    top = NAME_HEIGHT + 18 + GAP + NAME_HEIGHT
    assert (page[top : top + 30, GAP : GAP + 21] == 77).all()
    assert (page[top : top + 30, GAP + 3 * (21 + GAP) :] == PAGE).all()


def test_a_contact_sheet_names_its_rows(tmp_path):
    clip = np.full((2, 8, 8, 3), 200, np.uint8)
    pages = []
    for name in ("truth", "made", ""):
        contact_sheet([clip], [name], tmp_path / "sheet.png")
        pages.append(np.array(Image.open(tmp_path / "sheet.png"))[:NAME_HEIGHT, :30])
    assert pages[0].min() < 80 and not np.array_equal(pages[0], pages[1])
    assert (pages[2] == PAGE).all()


def test_a_name_longer_than_its_row_is_not_cut(tmp_path):
    clip = np.zeros((1, 8, 8, 3), np.uint8)
    contact_sheet([clip], ["a name that is much longer than one frame"], tmp_path / "sheet.png")
    page = np.array(Image.open(tmp_path / "sheet.png"))
    assert page.shape[1] > 150 and (page[:NAME_HEIGHT, -GAP:] == PAGE).all()


def test_a_gif_gives_back_every_colour_and_every_transparent_pixel(tmp_path):
    clip = moving_dot()
    write_gif(clip, tmp_path / "new" / "dot.gif", fps=10, scale=2)
    made = gif_frames(tmp_path / "new" / "dot.gif")
    assert len(made) == 5
    for frame, truth in zip(made, enlarged(clip, 2), strict=True):
        assert np.array_equal(frame[..., 3], truth[..., 3])
        opaque = truth[..., 3] == 255
        assert np.array_equal(frame[opaque], truth[opaque])


def test_a_gif_of_rgb_frames_is_opaque_and_exact_up_to_255_colours(tmp_path):
    values = np.arange(255, dtype=np.uint8)
    clip = np.zeros((2, 5, 51, 3), np.uint8)
    clip[0, ..., 0], clip[1, ..., 0] = values.reshape(5, 51), values[::-1].reshape(5, 51)
    write_gif(clip, tmp_path / "rgb.gif", scale=1)
    made = gif_frames(tmp_path / "rgb.gif")
    assert np.array_equal(np.stack(made)[..., :3], clip)
    assert all((frame[..., 3] == 255).all() for frame in made)


def test_a_gif_of_more_colours_stays_close_and_keeps_its_transparent_pixels(tmp_path):
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    clip = np.zeros((2, 64, 64, 4), np.uint8)
    clip[..., 0], clip[..., 1], clip[..., 3] = ramp[:, None], ramp, 255
    clip[1, :20, :20, 3] = 0
    write_gif(clip, tmp_path / "ramp.gif", scale=1)
    for frame, truth in zip(gif_frames(tmp_path / "ramp.gif"), clip, strict=True):
        assert np.array_equal(frame[..., 3], truth[..., 3])
        opaque = truth[..., 3] == 255
        error = np.abs(frame[opaque].astype(int) - truth[opaque])
        assert error.mean() < 8 and error.max() < 40


def test_a_gif_repeats_and_its_frames_do_not_drift(tmp_path):
    write_gif(moving_dot(8), tmp_path / "dot.gif", fps=8)
    assert sum(delays(tmp_path / "dot.gif")) == 1000
    assert set(delays(tmp_path / "dot.gif")) == {120, 130}
    with Image.open(tmp_path / "dot.gif") as image:
        assert image.info["loop"] == 0


def test_a_still_clip_lasts_as_long_as_a_moving_one(tmp_path):
    write_gif(np.full((8, 4, 4, 3), 9, np.uint8), tmp_path / "still.gif", fps=8)
    assert sum(delays(tmp_path / "still.gif")) == 1000


def test_what_is_no_clip_is_refused(tmp_path):
    clip = moving_dot()
    with pytest.raises(ValueError, match="1 rows, 2 names"):
        contact_sheet([clip], ["one", "two"], tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="must be uint8"):
        contact_sheet([clip / 255], ["one"], tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="scale 0"):
        write_gif(clip, tmp_path / "x.gif", scale=0)
    with pytest.raises(ValueError, match="0 frames"):
        write_gif(clip[:0], tmp_path / "x.gif")
    with pytest.raises(ValueError, match="fps 0"):
        write_gif(clip, tmp_path / "x.gif", fps=0)
    assert list(tmp_path.iterdir()) == []


def test_a_first_frame_of_any_size_is_fitted_where_there_is_no_alpha(tmp_path):
    path = tmp_path / "first.png"
    Image.new("RGBA", (40, 20), (10, 20, 30, 255)).save(path)
    frame = read_frame(path, TokenizerConfig(frame_size=8, frame_channels=3))
    assert frame.shape == (8, 8, 3) and frame.reshape(-1, 3).tolist() == [[10, 20, 30]] * 64


def test_a_first_frame_with_alpha_is_taken_as_it_is_and_has_the_size_of_the_model(tmp_path):
    path = tmp_path / "first.png"
    Image.new("RGBA", (8, 8), (10, 20, 30, 40)).save(path)
    config = TokenizerConfig(frame_size=8, frame_channels=4)
    assert read_frame(path, config).reshape(-1, 4).tolist() == [[10, 20, 30, 40]] * 64
    Image.new("RGBA", (8, 9)).save(path)
    with pytest.raises(ValueError, match="8x9 pixels; a first frame has 8x8"):
        read_frame(path, config)
