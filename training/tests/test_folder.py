"""Dataset folder: which videos are found, how they are cut, and what a user is told."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from magi.__main__ import main
from magi.config import ModelConfig, RunConfig, TokenizerConfig, TrainConfig, Unusable, load_run
from magi.data.fit import fitted
from magi.data.folder import MANY_VIDEOS, Folder, folder_of
from magi.data.video_files import CHANNELS, decoded, sources
from magi.export import export
from magi.reconstruction import reconstruct
from magi.train import tokenize

SIZE = 8


def film(path: Path, seconds: float = 2, rate: int = 10, size: str = "64x48") -> Path:
    """A video file of a moving test picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = f"testsrc=size={size}:rate={rate}:duration={seconds}"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, str(path)]
    subprocess.run(command, check=True)
    return path


def draw(folder: Path, frames: int, first: int = 0) -> Path:
    """Frame images named 0.png, 1.png, ... of one colour each, which tells their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(frames):
        Image.new("RGB", (20, 10), (first + index, 100, 200)).save(folder / f"{index}.png")
    return folder


def numbers(pixels: np.ndarray) -> list[int]:
    """Which frames of `draw` these are."""
    return pixels[:, 0, 0, 0].tolist()


class Told(list):
    """Collects what is said of skipped videos."""

    def __call__(self, name: str, reason: str) -> None:
        self.append((name, reason))


def folder(tmp_path: Path, frames: int = 4, split: str = "train", **changes) -> Folder:
    """The dataset over what lies in tmp_path / "videos"."""
    videos = decoded(tmp_path / "videos", tmp_path / "cache", SIZE, 10)
    settings = {"labels": (), "max_interval": 1} | changes
    return Folder(videos, frames=frames, split=split, **settings)


def run_of(**changes) -> RunConfig:
    known = RunConfig(
        name="own",
        description="",
        dataset="folder",
        tokenizer=TokenizerConfig(frame_size=SIZE),
        model=ModelConfig(max_interval=1),
        training=TrainConfig(curriculum=((1.0, 4),), clips=3),
        defaults={"framesPerSecond": 10},
    )
    return replace(known, **changes)


def test_video_files_and_folders_of_images_are_videos_and_a_picture_beside_a_film_is_none(tmp_path):
    (tmp_path / "waves").mkdir()
    for name in ("a.mp4", "waves/b.MOV", "waves/cover.jpg", ".hidden.mp4", "notes.txt"):
        (tmp_path / name).touch()
    draw(tmp_path / "still" / "one", 2)
    assert [source.name for source in sources(tmp_path)] == ["a.mp4", "still/one", "waves/b.MOV"]


def test_frame_images_come_in_the_order_of_their_numbers(tmp_path):
    draw(tmp_path / "videos" / "one", 12)
    (video,) = decoded(tmp_path / "videos", tmp_path / "cache", SIZE, 10)
    assert numbers(video.read(np.arange(12))) == list(range(12))


def test_a_film_is_read_at_the_rate_of_the_run_and_cut_to_its_middle_square(tmp_path):
    film(tmp_path / "videos" / "a.mkv", seconds=2, rate=20)
    (video,) = decoded(tmp_path / "videos", tmp_path / "cache", 16, 10)
    assert video.frames == 20
    frame = film(tmp_path / "one.png", seconds=0.05, rate=20)
    middle = fitted(Image.open(frame), 16).astype(int)
    assert np.abs(video.read(np.array([0]))[0] - middle).mean() < 12


def test_pixels_that_are_no_squares_are_taken_for_what_they_show(tmp_path):
    path = tmp_path / "videos" / "wide.mkv"
    path.parent.mkdir()
    source = "color=red:size=40x40:rate=10:duration=1,drawbox=x=10:w=20:h=40:color=blue:t=fill"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"{source},setsar=2", str(path)]
    subprocess.run(command, check=True)
    (video,) = decoded(path.parent, tmp_path / "cache", SIZE, 10)
    blue = video.read(np.array([0]))[0, ..., 2]
    assert blue.min() > 200


def test_the_middle_of_a_picture_is_kept_and_transparency_becomes_grey():
    picture = Image.new("RGBA", (30, 10), (0, 0, 255, 255))
    picture.paste((255, 0, 0, 255), (10, 0, 20, 10))
    assert fitted(picture, 5).reshape(-1, 3).tolist() == [[255, 0, 0]] * 25
    assert fitted(Image.new("RGBA", (9, 9), (255, 0, 0, 0)), 3).min() == 128


def test_videos_are_decoded_once_and_again_when_they_change(tmp_path):
    one, cache = draw(tmp_path / "videos" / "one", 3), tmp_path / "cache"
    draw(tmp_path / "videos" / "two", 3)

    def times() -> dict[str, int]:
        videos = decoded(tmp_path / "videos", cache, SIZE, 10)
        return {video.name: video.path.stat().st_mtime_ns for video in videos}

    first = times()
    assert times() == first
    draw(one, 4)
    second = times()
    assert second["one"] > first["one"] and second["two"] == first["two"]
    shutil.rmtree(one)
    assert set(times()) == {"two"}


def test_a_file_that_cannot_be_read_is_named_and_left_out(tmp_path):
    draw(tmp_path / "videos" / "good", 3)
    (tmp_path / "videos" / "bad.mp4").write_bytes(b"no video")
    (draw(tmp_path / "videos" / "torn", 3) / "1.png").write_bytes(b"no picture")
    told = Told()
    (video,) = decoded(tmp_path / "videos", tmp_path / "cache", SIZE, 10, told)
    assert video.name == "good"
    assert [name for name, _ in told] == ["bad.mp4", "torn"]
    assert "Invalid data" in told[0][1] and "1.png" in told[1][1]


def test_a_folder_without_videos_says_what_would_be_one(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(Unusable, match="no videos there; wanted are .*mp4"):
        decoded(tmp_path, tmp_path / "cache", SIZE, 10)


def test_a_folder_of_broken_videos_only_is_an_error(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(Unusable, match="none of its 1 videos could be read"):
        decoded(tmp_path / "videos", tmp_path / "cache", SIZE, 10, Told())


def test_without_ffmpeg_films_are_an_error_that_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    draw(tmp_path / "drawn" / "one", 3)
    assert decoded(tmp_path / "drawn", tmp_path / "cache", SIZE, 10)
    (tmp_path / "drawn" / "a.mp4").touch()
    with pytest.raises(Unusable, match="apt-get install ffmpeg"):
        decoded(tmp_path / "drawn", tmp_path / "cache", SIZE, 10)


def test_a_clip_is_frames_of_one_video_at_its_interval(tmp_path):
    draw(tmp_path / "videos" / "one", 30)
    draw(tmp_path / "videos" / "two", 30, first=100)
    dataset = folder(tmp_path, max_interval=3)
    clips = [dataset.clip(seed, 4) for seed in range(200)]
    for clip in clips:
        assert set(np.diff(numbers(clip.pixels))) == {clip.interval}
        assert clip.pixels.shape == (4, *dataset.frame_shape) == (4, SIZE, SIZE, CHANNELS)
    assert {clip.interval for clip in clips} == {1, 2, 3}
    starts = {numbers(clip.pixels)[0] for clip in clips if clip.interval == 3}
    assert len(starts) > 25
    assert numbers(dataset.clip(7, 4).pixels) == numbers(dataset.clip(7, 4).pixels)


def test_the_last_tenth_of_few_videos_is_kept_from_training(tmp_path):
    draw(tmp_path / "videos" / "one", 30)
    draw(tmp_path / "videos" / "two", 30, first=100)

    def seen(split: str) -> set[int]:
        dataset = folder(tmp_path, 1, split)
        return {numbers(dataset.clip(seed, 1).pixels)[0] for seed in range(400)}

    assert seen("train") == {*range(27), *range(100, 127)}
    assert seen("val") == {27, 28, 29, 127, 128, 129}


def test_a_tenth_of_many_videos_is_kept_from_training_whole(tmp_path):
    for index in range(MANY_VIDEOS):
        draw(tmp_path / "videos" / str(index), 4)
    train, held_out = folder(tmp_path), folder(tmp_path, split="val")
    names = [{span.video.name for span in part.spans} for part in (train, held_out)]
    assert len(names[1]) == 2
    assert names[0] | names[1] == {str(index) for index in range(MANY_VIDEOS)}
    assert not names[0] & names[1]


def test_a_video_too_short_for_a_clip_is_named_and_left_out(tmp_path):
    draw(tmp_path / "videos" / "long", 10)
    draw(tmp_path / "videos" / "short", 4)
    told = Told()
    dataset = folder(tmp_path, skip=told)
    assert [span.video.name for span in dataset.spans] == ["long"]
    assert told == [("short", "3 of its 4 frames are for split train, a clip has 4")]


def test_an_interval_that_no_video_is_long_enough_for_is_an_error_with_the_way_out(tmp_path):
    draw(tmp_path / "videos" / "one", 20)
    with pytest.raises(Unusable, match="max_interval 6: .* spans 19, .* has 18 .* lower it to 5"):
        folder(tmp_path, max_interval=6)
    assert folder(tmp_path, max_interval=5).clip(0, 4)
    with pytest.raises(Unusable, match="shorten the clips"):
        folder(tmp_path, frames=30, skip=Told())


def test_labels_are_sub_folders_and_some_clips_hide_theirs(tmp_path):
    for name in ("jump/a", "walk/deep/b", "other/c", "d"):
        draw(tmp_path / "videos" / name, 10)
    dataset = folder(tmp_path, labels=("walk", "jump"))
    seen: dict[str, set[int]] = {}
    for seed in range(300):
        clip = dataset.clip(seed, 4)
        name = dataset.spans[clip.state[0, 0]].video.name
        seen.setdefault(name, set()).add(int(clip.labels[0]))
    assert seen == {"walk/deep/b": {0, 1}, "jump/a": {0, 2}, "other/c": {0}, "d": {0}}


def test_a_label_without_videos_is_an_error_that_lists_the_sub_folders(tmp_path):
    draw(tmp_path / "videos" / "walk" / "a", 10)
    with pytest.raises(Unusable, match="no video lies in a sub-folder 'wlak'.* are: walk"):
        folder(tmp_path, labels=("wlak",))


def test_a_run_finds_its_videos_beside_its_file_and_an_option_goes_before(tmp_path):
    draw(tmp_path / "videos" / "one", 10)
    draw(tmp_path / "others" / "two", 10)
    path = tmp_path / "own.json"
    content = {"name": "own", "description": "", "dataset": "folder", "data": "videos"}
    path.write_text(json.dumps(content | {"tokenizer": {"frame_size": SIZE}, "model": {}}))
    run = replace(run_of(), data=load_run(path).data)
    cache = tmp_path / "cache"
    for option, name in ((None, "one"), (tmp_path / "others", "two")):
        assert folder_of(run, option, cache, "train").spans[0].video.name == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "Name their folder with --data"),
        ({"data": "/nowhere"}, "/nowhere: no such folder"),
        ({"data": "."}, "no videos there"),
        (
            {"data": ".", "tokenizer": TokenizerConfig("plain", 64, 4, 8, 16, (8, 8, 8, 8))},
            "frame_channels 4",
        ),
        (
            {"data": ".", "tokenizer": TokenizerConfig("referenced", 64, 3, 8, 16, (8, 8, 8, 8))},
            "videos take plain or patches",
        ),
    ],
)
def test_what_a_run_of_videos_lacks_is_said(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unusable, match=message):
        folder_of(run_of(**changes), None, tmp_path / "cache", "train")


def test_a_pool_is_made_again_when_a_video_comes_in(tmp_path):
    draw(tmp_path / "videos" / "one", 10)
    run = run_of(data=str(tmp_path / "videos"))
    made = tmp_path / "work" / "pool" / "latents.npy"

    def time() -> int:
        dataset = folder_of(run, None, tmp_path / "cache", "train")
        tokenize(run, dataset, tmp_path / "work", "cpu")
        return made.stat().st_mtime_ns

    first = time()
    assert time() == first
    draw(tmp_path / "videos" / "two", 10)
    assert time() > first


def test_the_command_line_says_what_is_wrong_and_no_more(monkeypatch):
    monkeypatch.delenv("INIT_CWD", raising=False)
    monkeypatch.setattr("sys.argv", ["magi", "tokenizer", "filmed", "--data", "/nowhere"])
    with pytest.raises(SystemExit, match="^/nowhere: no such folder of videos$"):
        main()


def test_a_tokenizer_is_measured_on_every_frame_that_was_held_out_and_they_are_drawn(tmp_path):
    draw(tmp_path / "videos" / "one", 40)
    run, sheet = run_of(data=str(tmp_path / "videos")), tmp_path / "sheet.png"
    held_out = folder_of(run, None, tmp_path / "cache", "val")
    said = reconstruct(run, held_out, tmp_path, sheet)
    assert said.startswith("PSNR of 4 held-out frames 60.0 dB")
    assert Image.open(sheet).width > 4 * 2 * SIZE


def test_a_model_is_exported_with_a_licence_and_credits_only(tmp_path):
    credits = tmp_path / "own.md"

    def exported(licence: str):
        export(run_of(licence=licence), tmp_path, tmp_path / "out", "int8", credits, None, {})

    with pytest.raises(Unusable, match="^licence: "):
        exported("")
    with pytest.raises(Unusable, match="own.md: write there what the model learned from"):
        exported("mine")
    assert not (tmp_path / "out").exists()
