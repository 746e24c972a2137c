"""Command line: `npm run training -- <command>`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from magi.config import RunConfig, Unusable, find_run
from magi.frame_cache import KEPT

HERE = Path(__file__).resolve().parent.parent
RUNS = HERE / "runs"
WORK = HERE / "work"
OUT = HERE.parent / "out"
RESULTS = HERE / "results"
DOCUMENT = HERE.parent / "docs" / "results.md"
FIRST_FRAME = HERE.parent / "examples" / "first-frame.png"
WEIGHTS = HERE / "weights"
MODELS = HERE.parent / "models"
LAYERS = WORK / "layers.npz"


GOLDEN_CLIP = 1_000_000
"""Seed of the physics clip that golden videos start from; training never reaches it."""


def dataset_of(run: RunConfig, layers: Path, split: str = "train", data: Path | None = None):
    """The dataset that a run names; `data` goes before the folder of videos that it names."""
    if run.dataset == "sprites":
        from magi.data.sprites import Sprites

        return Sprites(layers, split)
    if run.dataset == "physics":
        from magi.data.physics import Physics

        return Physics(run.tokenizer.frame_size, run.model.max_interval)
    if run.dataset == "folder":
        from magi.data.folder import folder_of

        return folder_of(run, data, WORK / run.name / "videos", split)
    raise ValueError(f"dataset {run.dataset!r}: one of folder, physics, sprites")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="name of a run file under training/runs/, or a path to one")
    parser.add_argument("--layers", type=Path, default=LAYERS, help="layer archive of the sprites")
    parser.add_argument("--data", type=Path, help="folder of videos, for dataset folder")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")


def _add_generation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="model folder; default models/<run>")
    parser.add_argument("--decode-steps", type=int)
    parser.add_argument("--head-steps", type=int)
    parser.add_argument("--temperature", type=float)
    parser.add_argument(
        "--kv", choices=tuple(KEPT), default="int8", help="how keys and values are kept"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder for figures and pictures")


def _settings(args: argparse.Namespace, defaults: dict):
    """How frames are drawn: as asked, which holds for all of them, else as the model's defaults say."""
    from magi.evaluation.videos import Settings
    from magi.generation import Sampling

    def asked(known: Sampling) -> Sampling:
        return Sampling(
            args.decode_steps or known.decode_steps,
            args.head_steps or known.head_steps,
            known.temperature if args.temperature is None else args.temperature,
        )

    return Settings(asked(Sampling.of(defaults)), asked(Sampling.of_first(defaults)), args.kv)


def _count(text: str) -> int:
    """A number of things to compare, at least 2."""
    if (count := int(text)) < 2:
        raise argparse.ArgumentTypeError(f"{count}: at least 2")
    return count


_STEPS = (1, 2, 4, 8)


def _pairs(text: str) -> list[tuple[int, int]]:
    """Pairs of decode and head steps, such as 2x2,4x8."""
    try:
        pairs = [tuple(map(int, pair.split("x"))) for pair in text.split(",")]
        if any(len(pair) != 2 or min(pair) < 1 for pair in pairs):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: pairs such as 2x2,4x8") from None
    return pairs


def _run_of(args: argparse.Namespace) -> RunConfig:
    return find_run(args.run, RUNS)


def _start_of(run: RunConfig) -> Path | None:
    return WEIGHTS / run.start if run.start else None


def tokenizer(args: argparse.Namespace) -> None:
    from magi.reconstruction import reconstruct
    from magi.tokenizer_training import train_tokenizer

    run = _run_of(args)
    if run.tokenizer.kind == "patches":
        raise SystemExit(f"{run.name}: a tokenizer of kind patches has nothing to learn")
    dataset = dataset_of(run, args.layers, data=args.data)
    path = train_tokenizer(
        run, dataset, WORK / run.name, args.device, args.steps, _start_of(run)
    )
    print(f"tokenizer saved to {path}")
    if run.tokenizer.kind == "plain":
        held_out = dataset_of(run, args.layers, "val", args.data)
        print(reconstruct(run, held_out, WORK / run.name, OUT / f"{run.name}-tokenizer.png"))


def train(args: argparse.Namespace) -> None:
    from magi.train import train as train_model

    run = _run_of(args)
    dataset = dataset_of(run, args.layers, data=args.data)
    path = train_model(run, dataset, WORK / run.name, args.device, args.steps, _start_of(run))
    print(f"model saved to {path}")


def evaluate(args: argparse.Namespace) -> None:
    from magi import evaluate as measuring
    from magi.codec import Codec
    from magi.evaluation.subject import Subject
    from magi.evaluation.videos import reconstruction, served_animation
    from magi.i3d import I3d
    from magi.served import ServedModel
    from magi.video_encoder import load_encoder

    run = _run_of(args)
    folder = args.model or MODELS / run.name
    parts = _parts_of(args, run)
    about: dict = {"characters": args.characters, "seed": args.seed}
    about["commit"] = measuring.source_commit()
    exact = None
    if args.tokenizer_only:
        codec, animate = Codec.load(run.tokenizer, WORK / run.name), None
    else:
        codec = ServedModel(folder)
        settings = _settings(args, codec.manifest["defaults"])
        animate = served_animation(codec, settings)
        precise = args.float_model or folder / "float"
        if args.float_model or precise.is_dir():
            exact = served_animation(ServedModel(precise), settings)
        about |= settings.told() | {"weights": codec.digest}
    trained, about["encoder"] = load_encoder(run.dataset)
    features = {"FD-V": trained.features}
    if args.i3d:
        features["FVD"] = I3d(args.i3d).features
    subject = Subject(
        name=run.name,
        dataset=lambda split: dataset_of(run, args.layers, split),
        animate=animate,
        reconstruct=reconstruction(codec),
        characters=args.characters,
        seed=args.seed,
        out=args.out,
        sheets=args.sheets,
        float_animate=exact,
        encoder=trained,
        features=features,
    )
    figures = measuring.evaluate(subject, run.dataset, parts, about)
    print(f"all figures and contact sheets in {args.out}")
    if animate and parts == list(measuring.PARTS[run.dataset]):
        measuring.write_quality(folder / "quality.json", figures, about)
        _keep_result(f"evaluation-{run.name}", about | figures)
        print(f"what the manifest carries in {folder / 'quality.json'}")


def steps(args: argparse.Namespace) -> None:
    from magi.evaluate import source_commit
    from magi.evaluation import steps as sweep
    from magi.served import ServedModel

    run = _run_of(args)
    if run.dataset != "sprites":
        raise SystemExit(
            f"{run.name} has dataset {run.dataset}: steps compares with true animations of sprites; "
            "`claims steps` measures the grid of steps on physics"
        )
    model = ServedModel(args.model or MODELS / run.name)
    settings = _settings(args, model.manifest["defaults"])
    dataset = dataset_of(run, args.layers, "test-combo")
    cells = sweep.measure(model, settings, dataset, args.characters, args.seed, args.pairs)
    print(f"\n{sweep.table(cells)}\n")
    about = {"characters": args.characters, "seed": args.seed, "commit": source_commit()}
    told = {"temperature": settings.frames.temperature, "kv": args.kv, "weights": model.digest}
    _keep_result(f"steps-{run.name}", about | told | {"cells": cells})


def _keep_result(name: str, figures: dict) -> None:
    """Write figures where `results` looks for them."""
    import json

    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"figures in {path}, for `results`")


def results(args: argparse.Namespace) -> None:
    from magi.evaluation.videos import served_animation
    from magi.pictures import read_frame
    from magi.results import Model, write_results
    from magi.served import ServedModel

    for name in args.runs:
        run = find_run(name, RUNS)
        served = ServedModel(MODELS / run.name)
        size, channels = run.tokenizer.frame_size, run.tokenizer.frame_channels
        sprite = run.dataset == "sprites"
        args.decode_steps = args.head_steps = args.temperature = None
        model = Model(
            name=run.name,
            dataset=run.dataset,
            labels=run.model.labels,
            frame_shape=(size, size, channels),
            weights=served.digest,
            animate=served_animation(served, _settings(args, served.manifest["defaults"])),
            first_frame=read_frame(FIRST_FRAME, run.tokenizer) if sprite else None,
        )
        there = write_results(model, args.results, args.document)
        print(f"{run.name}: pictures and {', '.join(there) or 'no figures'} in {args.document}")


def _parts_of(args: argparse.Namespace, run: RunConfig) -> list[str]:
    """The parts to measure, in their order: as asked, else all."""
    from magi.evaluate import PARTS

    known = list(PARTS.get(run.dataset, {}))
    if not known:
        raise SystemExit(
            f"evaluate measures models of dataset {' or '.join(PARTS)}, and {run.name} has dataset "
            f"{run.dataset}: `magi tokenizer` ends with the PSNR of held-out frames, `magi sample` "
            "shows videos"
        )
    if args.tokenizer_only:
        return ["actions"]
    asked = args.parts.split(",") if args.parts else known
    if strange := [name for name in asked if name not in known]:
        raise SystemExit(f"--parts: {strange[0]!r} is none of {', '.join(known)}")
    return [name for name in known if name in asked]


def sample(args: argparse.Namespace) -> None:
    import numpy as np

    from magi.evaluation.videos import Request, served_animation
    from magi.golden import label_ids
    from magi.pictures import contact_sheet, read_frame, write_gif
    from magi.served import ServedModel

    run = _run_of(args)
    model = ServedModel(args.model or MODELS / run.name)
    known = model.manifest["defaults"]
    frames = args.frames or known["frames"]
    schedule = []
    for entry in args.labels.split(",") if args.labels else []:
        label, _, start = entry.partition("@")
        if label not in run.model.labels:
            raise SystemExit(f"--labels: {label!r} is none of {', '.join(run.model.labels)}")
        schedule.append({"from": int(start or 0), "label": label})
    ids = label_ids(run, schedule, frames)
    size = run.tokenizer.frame_size
    given = np.zeros((0, size, size, run.tokenizer.frame_channels), np.uint8)
    if args.first_frame:
        given = read_frame(args.first_frame, run.tokenizer)[None]
    animate = served_animation(model, _settings(args, known))
    videos = []
    for seed in range(args.seed, args.seed + args.videos):
        videos.append(animate(Request(given, ids, seed, args.interval)))
        write_gif(
            videos[-1], args.out / f"{run.name}-{seed}.gif", model.manifest["frame"]["perSecond"]
        )
    names = [f"seed {args.seed + index}" for index in range(args.videos)]
    contact_sheet(videos, names, args.out / f"{run.name}.png", 2)
    print(f"contact sheet and {args.videos} GIF in {args.out}")


def export(args: argparse.Namespace) -> None:
    import json

    from magi.export import export as export_model
    from magi.pictures import read_frame

    run = _run_of(args)
    out = args.out or MODELS / run.name
    quality = json.loads(args.quality.read_text()) if args.quality else {}
    frame = read_frame(args.first_frame, run.tokenizer) if args.first_frame else None
    if frame is None and run.dataset == "physics":
        frame = dataset_of(run, args.layers).clip(GOLDEN_CLIP, 1).pixels[0]
    export_model(
        run, WORK / run.name, out, args.precision, HERE / "credits" / f"{run.name}.md", frame, quality
    )
    print(f"model written to {out}")


def keep(args: argparse.Namespace) -> None:
    import numpy as np

    from magi import weights
    from magi.codec import Codec
    from magi.train import load_model

    run = _run_of(args)
    folder = WEIGHTS / run.name
    codec = Codec.load(run.tokenizer, WORK / run.name)
    model, _ = load_model(run, WORK / run.name)
    paths = weights.keep(folder, "model", weights.halved(model))
    if tokenizer := weights.halved(codec.tokenizer):
        palette = {"palette": np.array(codec.palette, "<u4")}
        paths += weights.keep(folder, "tokenizer", tokenizer | palette)
    print(f"{len(paths)} files in {folder}; a run file with start={run.name!r} begins with them")


def main() -> None:
    if called_from := os.environ.get("INIT_CWD"):
        os.chdir(called_from)  # npm runs scripts elsewhere; paths are the caller's
    parser = argparse.ArgumentParser(prog="magi", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    sub = commands.add_parser("tokenizer", help="train the tokenizer of a run")
    _add_run(sub)
    sub.add_argument("--steps", type=int, help="train to this step instead of the run file's")
    sub.set_defaults(command=tokenizer)

    sub = commands.add_parser("train", help="tokenize clips, train backbone and head")
    _add_run(sub)
    sub.add_argument("--steps", type=int, help="train to this step instead of the run file's")
    sub.set_defaults(command=train)

    sub = commands.add_parser("sample", help="generate videos: contact sheet PNG and GIF")
    _add_run(sub)
    _add_generation(sub)
    sub.add_argument("--frames", type=int)
    sub.add_argument("--videos", type=int, default=4)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--interval", type=int, default=1)
    sub.add_argument("--labels", help="label schedule, such as walk,jump@16,walk@32")
    sub.add_argument("--first-frame", type=Path, help="picture; without one the model draws it")
    sub.set_defaults(command=sample)

    sub = commands.add_parser("evaluate", help="measure a model against the truth of its data")
    _add_run(sub)
    _add_generation(sub)
    sub.add_argument(
        "--characters", type=_count, default=100, help="how many of each split; fewer are quicker"
    )
    sub.add_argument("--seed", type=int, default=0, help="of the first video")
    sub.add_argument(
        "--float-model", type=Path, help="the model in float32; default models/<run>/float if there"
    )
    sub.add_argument(
        "--i3d", type=Path, help="ONNX file of I3D, [N,3,T,224,224] in -1..1, for the true FVD"
    )
    sub.add_argument("--parts", help="what to measure, such as actions,long; default everything")
    sub.add_argument("--sheets", type=int, default=4, help="contact sheets of each kind to draw")
    sub.add_argument(
        "--tokenizer-only", action="store_true", help="the ceiling alone, of the trained tokenizer"
    )
    sub.set_defaults(command=evaluate)

    sub = commands.add_parser("steps", help="quality against cost over decode steps and head steps")
    _add_run(sub)
    sub.add_argument("--model", type=Path, help="model folder; default models/<run>")
    sub.add_argument("--characters", type=_count, default=8, help="how many to animate")
    sub.add_argument("--seed", type=int, default=0, help="of the first video")
    sub.add_argument("--temperature", type=float)
    sub.add_argument("--kv", choices=tuple(KEPT), default="int8")
    sub.add_argument(
        "--pairs",
        type=_pairs,
        default=_pairs(",".join(f"{decode}x{head}" for decode in _STEPS for head in _STEPS)),
        help="decode steps x head steps, the dearest pair last; default 1x1,1x2,...,8x8",
    )
    sub.set_defaults(command=steps, decode_steps=None, head_steps=None)

    sub = commands.add_parser("results", help="write docs/results.md and its pictures from figures")
    sub.add_argument("runs", nargs="*", default=["sprite", "nano"], help="default sprite nano")
    sub.add_argument("--results", type=Path, default=RESULTS, help="folder of figures")
    sub.add_argument("--document", type=Path, default=DOCUMENT)
    sub.set_defaults(command=results, kv="int8")

    from magi import video_encoder_command

    sub = commands.add_parser(
        "encoder", help="train the video encoder of the measurements, verify it, climb its ladder"
    )
    sub.add_argument("--layers", type=Path, default=LAYERS, help="layer archive of the sprites")
    video_encoder_command.add_arguments(sub)
    sub.set_defaults(command=video_encoder_command.run)

    sub = commands.add_parser("export", help="write ONNX graphs, shards, manifest, golden vectors")
    _add_run(sub)
    sub.add_argument("--out", type=Path, help="folder of the model; default models/<run>")
    sub.add_argument("--precision", choices=("int8", "float"), default="int8")
    sub.add_argument("--first-frame", type=Path, help="picture that the golden video starts from")
    sub.add_argument("--quality", type=Path, help="JSON of `evaluate`, kept in the manifest")
    sub.set_defaults(command=export)

    sub = commands.add_parser("keep", help="keep a run's weights, for other runs to start from")
    _add_run(sub)
    sub.set_defaults(command=keep)

    from magi.claims import command

    sub = commands.add_parser("claims", help="test what the paper claims, on small runs")
    command.add_arguments(sub)

    from magi.data import layers

    sub = commands.add_parser("layers", help="build the layer archive from the source collection")
    layers.add_arguments(sub)
    sub.set_defaults(command=layers.run)

    args = parser.parse_args()
    try:
        args.command(args)
    except Unusable as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
