"""Writes a model folder: graphs, shards, manifest, golden vectors, credits."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch

from magi.codec import Codec
from magi.config import LATENT_BOUND, RunConfig, Unusable
from magi.eight_bits import has_eight_bits, quantised, stored
from magi.golden import golden_vectors
from magi.graphs import (
    backbone_graphs,
    head_graphs,
    head_multiply_adds,
    multiply_adds,
    put_into_shards,
    tokenizer_graphs,
)
from magi.model import Magi
from magi.noise import quantile_table
from magi.optimised import optimised
from magi.train import load_model

PRECISIONS = ("int8", "float")
_QUANTISED = ("backbone", "sketch", "decoder")
"""Graphs that 8 bits make faster; the head's few rows are as fast in float."""
_QUANTISED_WORDS = (
    "products with constant weights, 3x3 convolutions among them: "
    "weights int8 per output channel, activations uint8 dynamic"
)
_STORED = ("encoder", "reference")
"""Graphs that run once a video, and would be most of a model's bytes."""
_STORED_WORDS = "large weights stored int8 per output channel, arithmetic in float32"


def export(
    run: RunConfig,
    folder: Path,
    out: Path,
    precision: str,
    credits: Path,
    first_frame: np.ndarray | None,
    quality: dict,
) -> None:
    """Write the model of `folder` (a run's checkpoints) to `out`.

    The golden video starts from `first_frame` uint8 [h, w, c], or is drawn by the model alone.
    A float build in `out/float` holds the golden vectors of both builds.

    Raises FileNotFoundError when the run is not trained, ValueError for an unknown precision,
    Unusable for masked teacher forcing and for a run without licence or credits.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: one of {', '.join(PRECISIONS)}")
    if run.model.diffusion != "flow":
        raise ValueError(f"model.diffusion {run.model.diffusion!r}: only flow heads are exported")
    if run.model.paradigm != "ctf":
        raise Unusable(f"model.paradigm {run.model.paradigm!r}: only ctf is exported")
    if not run.licence:
        raise Unusable("licence: the run file must say under which licence the model goes")
    if not credits.is_file():
        raise Unusable(f"{credits}: write there what the model learned from, and whose it is")
    torch.manual_seed(0)
    model, training = load_model(run, folder)
    codec = Codec.load(run.tokenizer, folder)
    graphs, work = _graphs(model, codec)
    graphs, quantisation = _served(graphs, precision)

    (out / "golden").mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.onnx"), *out.glob("*.bin")):
        old.unlink()
    files, described = {"normal.bin": quantile_table().astype("<f4").tobytes()}, {}
    for name, graph in sorted(graphs.items()):
        content, shards = put_into_shards(graph, name)
        files |= {f"{name}.onnx": content, **shards}
        described[name] = {
            "file": f"{name}.onnx",
            "shards": sorted(shards),
            "multiplyAdds": work[name],
        }
    for name, content in files.items():
        (out / name).write_bytes(content)
    shutil.copyfile(credits, out / "CREDITS.md")
    manifest = _manifest(run, codec, precision, quantisation, described, files, training, quality)
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    if not (out / "float" / "golden" / "float.json").is_file():
        golden = golden_vectors(run, model, codec, first_frame)
        (out / "golden" / "float.json").write_text(json.dumps(golden) + "\n")


def _graphs(model: Magi, codec: Codec) -> tuple[dict[str, onnx.ModelProto], dict]:
    """All graphs of a model in float32, and their multiply-adds as the manifest has them."""
    channels, width = codec.config.latent_channels, model.backbone.config.width
    graphs = tokenizer_graphs(codec) | backbone_graphs(model.backbone, channels)
    work = {name: multiply_adds(graph) for name, graph in graphs.items()}
    graphs |= head_graphs(model.head, channels, width)
    return graphs, work | head_multiply_adds(model.head, channels, width)


def _served(
    graphs: dict[str, onnx.ModelProto], precision: str
) -> tuple[dict[str, onnx.ModelProto], dict[str, str]]:
    """The graphs as they are written, and what the manifest says of their weights."""
    if precision == "int8":
        graphs = graphs | {name: quantised(graphs[name]) for name in _QUANTISED if name in graphs}
    graphs = {name: optimised(graph) for name, graph in graphs.items()}
    if precision == "int8":
        graphs |= {name: stored(graphs[name]) for name in _STORED if name in graphs}
    small = [name for name, graph in graphs.items() if has_eight_bits(graph)]
    said = {}
    for names, words in ((_QUANTISED, _QUANTISED_WORDS), (_STORED, _STORED_WORDS)):
        if named := [name for name in names if name in small]:
            said[" and ".join(named)] = words
    return graphs, said | {"others": "float32"} if said else {"all": "float32"}


def _manifest(
    run: RunConfig,
    codec: Codec,
    precision: str,
    quantisation: dict[str, str],
    graphs: dict,
    files: dict[str, bytes],
    training: dict,
    quality: dict,
) -> dict:
    tokenizer = {
        "kind": run.tokenizer.kind,
        "tokens": run.tokenizer.tokens,
        "channels": run.tokenizer.latent_channels,
    }
    if codec.referenced:
        palette = codec.palette.astype("<u4").view(np.uint8).reshape(-1, 4)
        tokenizer["palette"] = palette.tolist()
    defaults = dict(run.defaults)
    rate = defaults.pop("framesPerSecond")
    size = run.tokenizer.frame_size
    return {
        "format": 1,
        "name": run.name,
        "description": run.description,
        "licence": run.licence,
        "credits": "CREDITS.md",
        "precision": precision,
        "frame": {
            "width": size,
            "height": size,
            "channels": run.tokenizer.frame_channels,
            "perSecond": rate,
        },
        "tokenizer": tokenizer,
        "backbone": {
            "width": run.model.width,
            "layers": run.model.layers,
            "heads": run.model.heads,
            "window": run.model.window,
        },
        "labels": list(run.model.labels),
        "interval": {"default": 1, "maximum": run.model.max_interval},
        "latentBound": LATENT_BOUND,
        "defaults": defaults,
        "limits": {"headSteps": 100},
        "graphs": graphs,
        "normalTable": "normal.bin",
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(files.items())
        },
        "quantisation": quantisation,
        "training": {"run": f"training/runs/{run.name}.json", "dataset": run.dataset, **training},
        "quality": quality,
    }
