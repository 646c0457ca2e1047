"""Strategies: which groups learn and at which rate, what was transferred, and reports of both."""

from __future__ import annotations

from .freezing import Freezing, apply_strategy, release
from .labels import fold_name, map_roles, match_labels
from .report import REPORTED, groups_report
from .strategy import Strategy, register, strategy, strategy_names
from .transfer import Skipped, TransferReport, transfer_weights

__all__ = [
    "REPORTED",
    "Freezing",
    "Skipped",
    "Strategy",
    "TransferReport",
    "apply_strategy",
    "fold_name",
    "groups_report",
    "map_roles",
    "match_labels",
    "register",
    "release",
    "strategy",
    "strategy_names",
    "transfer_weights",
]
