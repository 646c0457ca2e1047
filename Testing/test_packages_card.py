"""The card: its schema, what it refuses, and that it survives being written."""

import json
from dataclasses import replace

import pytest

from TransferSegLib.errors import PackageError
from TransferSegLib.packages import Card, Label, json_schema


def card() -> Card:
    return Card(
        name="x",
        description="d",
        roles=("flair", "t1"),
        labels=(Label(1, "lesion", 3, "#112233", aliases=("wml",)),),
        network="unet",
        in_channels=2,
        out_channels=5,
    )


def test_written_and_read_it_is_the_same():
    data = json.loads(json.dumps(card().to_json()))
    assert Card.from_json(data, where="f") == card()


def test_reference_is_pet_for_petct_and_the_first_role_otherwise():
    assert card().reference == "flair"
    assert replace(card(), roles=("ct", "pet")).reference == "pet"
    assert replace(card(), reference_role="t1").reference == "t1"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"roles": ["flair"]}, "1 roles"),
        ({"roles": ["flair", "flair"]}, "twice"),
        ({"in_channels": "2"}, "integer"),
        ({"output": "argmax"}, "softmax"),
        ({"space": "atlas"}, "native"),
        ({"reference_role": "t2"}, "t2"),
        ({"labels": [{"value": 0, "name": "a", "channel": 1}]}, "value"),
        ({"labels": [{"value": 1, "name": "a", "channel": 9}]}, "beyond"),
        ({"labels": [{"value": 1, "name": "a", "channel": 1}, {"value": 1, "name": "b", "channel": 2}]}, "twice"),
        ({"overlap": 1.0}, "overlap"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(PackageError, match=words) as caught:
        Card.from_json(card().to_json() | change, where="metadata.json")
    assert "metadata.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_field_is_named():
    data = card().to_json()
    del data["network"]
    with pytest.raises(PackageError, match="network"):
        Card.from_json(data, where="f")


def test_schema_is_standard_json_schema():
    schema = json_schema()
    assert schema["properties"]["labels"]["items"]["required"] == ["value", "name", "channel"]
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(card().to_json())), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(card().to_json() | {"space": "x"}, schema)


def level_card() -> Card:
    return Card(
        name="l3",
        description="d",
        roles=("ct",),
        labels=(Label(1, "L3", 0),),
        network="l3-cnn4",
        in_channels=2,
        out_channels=1,
        task="level",
        output="offset",
        level="L3",
        spacing=(1.0, 1.0),
        window=(100, 512),
        normalisation="projection",
        projection={"views": ["frontal", "lateral"], "hu": [100, 1500], "evaluation": "dense", "step": 1},
    )


def test_a_level_card_written_and_read_is_the_same():
    data = json.loads(json.dumps(level_card().to_json()))
    assert Card.from_json(data, where="f") == level_card()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"level": ""}, "belong together"),
        ({"task": "segmentation"}, "belong together"),
        ({"output": "softmax"}, "belong together"),
        ({"in_channels": 1}, "2 views"),
        ({"roles": ["flair"]}, "not ct"),
        ({"window": [100]}, "window"),
        ({"projection": {}}, "views"),
        ({"projection": {"views": ["frontal", "lateral"], "hu": [1500, 100]}}, "below"),
        ({"projection": {"views": ["frontal", "lateral"], "hu": [100, 1500], "evaluation": "fast"}}, "dense"),
        (
            {"projection": {"views": ["frontal", "lateral"], "hu": [100, 1500], "evaluation": "dense", "step": 0}},
            "step",
        ),
    ],
)
def test_a_level_card_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(PackageError, match=words):
        Card.from_json(level_card().to_json() | change, where="metadata.json")
