"""Labels are matched by a mapping, by name, by value, in this order; roles by name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from TransferSegLib.errors import UsageError
from TransferSegLib.strategies import map_roles, match_labels


@dataclass(frozen=True)
class Label:
    name: str
    value: int
    channel: int
    aliases: tuple[str, ...] = ()


SOURCE = (
    Label("tumour", 1, 1),
    Label("necrosis/cavity", 2, 2, ("necrosis", "cavity")),
    Label("oedema", 3, 3),
    Label("scar", 4, 4),
)


def names(found):
    return {value: label.name if label else None for value, label in found.items()}


@pytest.mark.parametrize(
    ("target", "mapping", "expected"),
    [
        ({1: "lesion"}, {"lesion": "oedema"}, {1: "oedema"}),
        ({1: "lesion"}, {"1": "3"}, {1: "oedema"}),
        ({5: "lesion"}, None, {5: None}),
        ({1: "lesion"}, None, {1: "tumour"}),
        ({1: "lesion"}, {"lesion": "none"}, {1: None}),
        ({4: "Edema", 2: "TUMOR", 1: "Cavity"}, None, {4: "oedema", 2: "tumour", 1: "necrosis/cavity"}),
        ({1: "Œdème"}, None, {1: "tumour"}),  # French is not a spelling of the English name: by value
        ({3: "tumour", 1: "haze"}, None, {3: "tumour", 1: None}),  # value 1 is taken by the name
        ({1: "oedema", 3: "x"}, None, {1: "oedema", 3: None}),
        ({1: "core", 2: "rim"}, {"core": "tumour", "rim": "tumour"}, {1: "tumour", 2: "tumour"}),
        ({1: "oedema", 2: "lesion"}, {"lesion": "oedema"}, {1: "tumour", 2: "oedema"}),
    ],
)
def test_matching(target, mapping, expected):
    assert names(match_labels(target, SOURCE, mapping)) == expected


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"liver": "oedema"}, r"the data have no label 'liver'; use one of lesion \(1\)"),
        (
            {"lesion": "liver"},
            r"the model has no label 'liver'; use one of tumour \(1\), necrosis/cavity \(2\), oedema",
        ),
        ({"lesion": "scar", "1": "oedema"}, "mapped twice"),
    ],
)
def test_a_mapping_of_what_is_not_there_lists_what_is(mapping, message):
    with pytest.raises(UsageError, match=message):
        match_labels({1: "lesion"}, SOURCE, mapping)


def test_roles_match_in_any_order():
    assert map_roles(("t1", "flair", "pet"), ("flair", "t1", "t1gd", "t2")) == {0: 1, 1: 0, 2: "mean"}
    assert map_roles(("pet",), ("flair",), new=None) == {0: None}
