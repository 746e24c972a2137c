"""A frame 0 that the model draws: its own steps and temperature."""

import base64
import json

import numpy as np
import torch

from first_frame_vectors import FIRST, OTHERS, VECTORS, latents, plan
from magi.evaluation.videos import Request, Settings
from magi.generation import Sampling


def test_the_vectors_that_the_engine_is_tested_with_are_those_of_this_package():
    known = json.loads(VECTORS.read_text())
    values = np.frombuffer(base64.b64decode(known["latents"]["base64"]), "<f4")
    wanted = torch.from_numpy(values.reshape(known["latents"]["shape"]).copy())
    assert torch.allclose(latents(), wanted, atol=1e-3)
    assert known["firstFrameSampling"] == FIRST.told()


def test_only_frame_0_has_a_sampling_of_its_own():
    known, without = plan(FIRST), plan(None)
    assert known.sampling(0) is FIRST and known.sampling(1) is known
    assert without.sampling(0) is without
    assert torch.equal(latents(OTHERS), latents(None))
    assert not torch.allclose(latents()[0], latents(None)[0], atol=1e-2)


def test_a_manifest_without_a_first_frame_draws_it_as_the_others():
    defaults = {"frames": 16, **OTHERS.told()}
    assert Sampling.of_first(defaults) == OTHERS
    assert Sampling.of_first(defaults | {"firstFrame": FIRST.told()}) == FIRST


def test_a_temperature_that_is_asked_for_holds_for_every_frame():
    settings = Settings(OTHERS, FIRST, "int8")
    nothing = np.zeros((0, 8, 8, 3), np.uint8)
    asked = settings.plan(Request(nothing, [0, 0], 1, temperature=0.25))
    assert (asked.temperature, asked.first.temperature, asked.first.decode_steps) == (0.25, 0.25, 7)
    assert settings.plan(Request(nothing, [0, 0], 1)).first == FIRST
