"""What a video begins with that has no given frame: frame 0 with a sampling of its own, and the next.

`PYTHONPATH=. .venv/bin/python tests/first_frame_vectors.py` writes it anew, after an export of
models/nano/float with other weights.
"""

import json
from pathlib import Path

import torch

from magi.generation import Plan, Sampling, generate
from magi.golden import tensor
from magi.served import ServedModel

VECTORS = Path(__file__).parent / "golden" / "first-frame.json"
MODEL = Path(__file__).parents[2] / "models" / "nano" / "float"
SEED, FRAMES = 2**33 + 5, 2
OTHERS, FIRST = Sampling(3, 2, 1.0), Sampling(7, 5, 0.75)


def plan(first: Sampling | None) -> Plan:
    return Plan(SEED, 1, lambda _: 0, OTHERS.decode_steps, OTHERS.head_steps, OTHERS.temperature, first)


def latents(first: Sampling | None = FIRST) -> torch.Tensor:
    """[FRAMES, S, C]"""
    return torch.stack(list(generate(ServedModel(MODEL), plan(first), FRAMES)))


def vectors() -> dict:
    return {
        "seed": SEED,
        "frames": FRAMES,
        **OTHERS.told(),
        "firstFrameSampling": FIRST.told(),
        "latents": tensor(latents()),
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n")
    print(f"{VECTORS} written")
