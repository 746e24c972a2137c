import json

from sprite_vectors import VECTORS, vectors


def test_the_vectors_that_the_quality_command_is_tested_with_are_those_of_this_package():
    assert json.loads(json.dumps(vectors())) == json.loads(VECTORS.read_text())
