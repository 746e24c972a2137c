"""The command `encoder`: trains a video encoder, verifies it, and keeps its weights if it passes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from magi.data.physics import Physics
from magi.data.sprites import Sprites
from magi.video_encoder import load_encoder, save_encoder
from magi.video_encoder_check import climb_ladder, ladder_clips, verify
from magi.video_encoder_training import SEED, STEPS, train_encoder


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes, besides `--layers`."""
    parser.add_argument("dataset", choices=tuple(STEPS))
    parser.add_argument("--steps", type=int, help="train for so many steps, not the recipe's")
    parser.add_argument("--check", action="store_true", help="verify the kept weights, train nothing")


def run(args: Namespace) -> None:
    """Train or load, verify, print. Ends with an error, and writes nothing, where a check fails."""
    steps = args.steps or STEPS[args.dataset]
    if args.dataset == "sprites":
        tests = [Sprites(args.layers, split) for split in ("test-combo", "test-item")]
    else:
        tests = [Physics()]
    if args.check:
        encoder, digest = load_encoder(args.dataset)
        print(f"weights of SHA-256 {digest}")
    else:
        source = Sprites(args.layers) if args.dataset == "sprites" else tests[0]
        encoder = train_encoder(args.dataset, source, steps)
    verified = verify(args.dataset, encoder, tests)
    ladder = climb_ladder(encoder, ladder_clips(args.dataset, tests[0]))
    print(f"\n{verified.text}\n\n{ladder.text}\n")
    if not (verified.passed and ladder.passed):
        raise SystemExit(f"the encoder of {args.dataset} does not pass; no weights were written")
    if not args.check:
        figures = {"verified": verified.figures, "ladder": ladder.figures}
        save_encoder(args.dataset, encoder, {"seed": SEED, "steps": steps, **figures})
