"""What tests of trainings share: comparing two networks, and an end at a step."""

from __future__ import annotations

import torch

from TransferSegLib.events import Events


def same(a, b) -> bool:
    """Whether two networks hold the same numbers."""
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def stop_at(step: int) -> Events:
    """Events that cancel a training when it is at ``step``."""
    events: Events

    def listen(event):
        if event["event"] == "progress" and event["done"] == step:
            events.cancel()

    events = Events(listen)
    return events
