"""Kept weights: what another run can start from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from magi.config import ModelConfig, RunConfig, TokenizerConfig
from magi.model import Magi
from magi.weights import FILE_BYTES, halved, keep, kept, start_from

RUN = RunConfig(
    name="test",
    description="",
    dataset="physics",
    tokenizer=TokenizerConfig(frame_size=16),
    model=ModelConfig(width=32, layers=1, heads=2, head_width=32, labels=("a", "b")),
)


def test_a_model_starts_from_kept_weights_to_half_precision(tmp_path):
    model, other = Magi.of(RUN), Magi.of(RUN)
    keep(tmp_path, "model", halved(model))
    start_from(other, kept(tmp_path, "model"))
    for name, value in model.state_dict().items():
        assert torch.allclose(other.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_a_table_of_other_labels_starts_fresh_and_is_named(tmp_path, capsys):
    keep(tmp_path, "model", halved(Magi.of(RUN)))
    other = Magi.of(replace(RUN, model=replace(RUN.model, labels=("a", "b", "c"))))
    before = other.backbone.labels.clone()
    start_from(other, kept(tmp_path, "model"))
    assert torch.equal(other.backbone.labels, before)
    assert "backbone.labels" in capsys.readouterr().out


def test_files_stay_within_their_limit_and_replace_earlier_ones(tmp_path):
    part = np.ones(FILE_BYTES // 5, np.uint16)
    keep(tmp_path, "model", {f"w{index}": part for index in range(6)})
    assert all(path.stat().st_size <= FILE_BYTES for path in tmp_path.iterdir())
    assert set(kept(tmp_path, "model")) == {f"w{index}" for index in range(6)}
    keep(tmp_path, "model", {"w0": part})
    assert list(kept(tmp_path, "model")) == ["w0"]


def test_weights_that_were_never_kept_are_asked_for_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="magi keep"):
        kept(tmp_path / "sprite", "model")
