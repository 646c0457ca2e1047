"""Networks: plain MONAI modules, each with its ordered parameter groups and its channel axes, in one registry."""

from __future__ import annotations

from .block_outputs import side_of_group, watched_blocks
from .groups import count_parameters, group_of, groups_of, parameter_groups
from .imagenet import has_imagenet, imagenet_state, load_imagenet
from .petct import REFINERS
from .registry import (
    build_network,
    is_network,
    network_divisor,
    network_names,
    network_of_target,
    network_spec,
    register,
)
from .spec import ChannelAxis, Group, NetworkSpec
from .weights import load_state, state_to_save, without_duplicates

__all__ = [
    "REFINERS",
    "ChannelAxis",
    "Group",
    "NetworkSpec",
    "build_network",
    "count_parameters",
    "group_of",
    "groups_of",
    "has_imagenet",
    "imagenet_state",
    "is_network",
    "load_imagenet",
    "load_state",
    "network_divisor",
    "network_names",
    "network_of_target",
    "network_spec",
    "parameter_groups",
    "register",
    "side_of_group",
    "state_to_save",
    "watched_blocks",
    "without_duplicates",
]
