"""What Slicer adds to the library's own time, on a case of full size, with an event loop that holds Python's lock."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers_engine import GapProbe, nothing_left

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs the C library's usleep")
SHAPE = (155, 240, 240)
ROLES = ("flair", "t1", "t1gd", "t2")


def load(scene):
    """Four sequences of a head-sized ball with a brighter ball in it."""
    import slicer

    rng = np.random.default_rng(0)
    k, j, i = np.ogrid[:155, :240, :240]
    brain = ((k - 77) / 60) ** 2 + ((j - 120) / 90) ** 2 + ((i - 120) / 70) ** 2 < 1
    lesion = (k - 80) ** 2 + (j - 100) ** 2 + (i - 100) ** 2 < 15**2
    noise = rng.normal(size=SHAPE).astype(np.float32)
    nodes = {}
    for number, role in enumerate(ROLES):
        array = np.where(brain, 300 + 40 * noise + (150 - 60 * number) * lesion, 0).astype(np.float32)
        nodes[role] = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", role.upper())
        slicer.util.updateVolumeFromArray(nodes[role], array)
        nodes[role].SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    return nodes


@pytest.mark.alone
def test_slicer_adds_at_most_a_second_to_a_full_size_case(module, scene, app, record_property):
    """Snapshot, writing, request, reading and nodes, beside the seconds that the worker reports."""
    held = ctypes.PyDLL(None).usleep  # as PythonQt: while Slicer's event loop idles, no other Python thread runs
    nodes, logic = load(scene), module.logic
    options = {"resample": "off", "register": "off", "brainMask": "off"}
    computing, taking, overheads = GapProbe(), GapProbe(), []
    with nothing_left():
        for _ in range(4):  # the first starts the worker
            ended = []
            start = time.perf_counter()
            logic.segment("brain-unet-phantom", nodes, **options, callback=lambda *end: ended.append(end))  # noqa: B023
            asked = time.perf_counter() - start
            for probe in (computing, taking):
                probe.skip()
            while not ended:
                held(2000)
                app.processEvents()
                busy = logic.client.state == "busy"
                (computing if busy else taking).tick()
                (taking if busy else computing).skip()
            seconds = time.perf_counter() - start
            result, error = ended[0]
            assert error is None, error
            overheads.append(seconds - result.workerSeconds)
            print(f"\nfrom request to result {seconds:.2f} s, the library's own {result.workerSeconds:.2f} s")
        logic.shutdown()
    overhead = sorted(overheads[1:])[1]
    figures = f"overhead when warm {overhead:.2f} s (median of 3); request() took {1000 * asked:.0f} ms; "
    figures += f"longest block while computing {1000 * computing.longest:.0f} ms, else {1000 * taking.longest:.0f} ms"
    print(figures)
    record_property("overhead", figures)
    # On a machine that may be busy: bounds that only a mistake breaks. The limits (1 s, 100 ms, 500 ms) and what was
    # measured stand in benchmarks/README.md.
    assert overhead <= 4.0
    assert computing.longest <= 0.5 and taking.longest <= 2.0
    assert not list(Path(app.temporaryPath).glob("TransferSeg-exchange-*"))
