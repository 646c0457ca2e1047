"""Makes the module's pictures: panel and slice views of a real patient in one, as in Slicer's window.

python Testing/screenshots.py [--data shared/data] [--out Resources/Screenshots] [--only segment]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
sys.path[:0] = [str(HERE), str(PROJECT)]
WINDOW = (1480, 940)
PANEL_WIDTH, HEADER, BAR, GAP = 420, 34, 22, 3
SETTLE_S = 0.3
COLOURS = {"Red": "#f34a33", "Yellow": "#edd54c", "Green": "#6eb04b"}
DIRECTIONS = {"Red": ("S", "I"), "Yellow": ("R", "L"), "Green": ("A", "P")}


class Session:
    """The module in the host, with slice views: drive the panels, then take pictures."""

    def __init__(self, out: Path) -> None:
        import host

        self.app = host.install()
        from host.loading import Loaded
        from host.views import Views

        self.out = out
        self.module = Loaded(PROJECT / "TransferSeg" / "TransferSeg.py")
        self.frame = self.module.widget.frame
        self.views = Views(self.app._core)
        self.area = self._scroll_area()
        from helpers_panels import wait_for

        self._wait = wait_for

    def wait(self, condition: Callable[[], Any], seconds: float = 300.0) -> Any:
        """Keep the application alive until ``condition`` is true."""
        return self._wait(self.app, condition, seconds)

    def load(self, folder: Path) -> dict[str, Any]:
        """The four sequences of an MS patient, shown in the views; {role: node}."""
        import slicer
        from helpers_panels import load_patient

        nodes = load_patient(folder)
        slicer.util.setSliceViewerLayers(background=nodes["flair"])
        self.render_views()
        self.views.fit()
        self.wait(lambda: self.frame.segmentPanel.ui.applyButton.enabled)
        return nodes

    def jump(self, ras: Any) -> None:
        """Show the slices through a point."""
        for name in COLOURS:
            self.views.view(name).logic.GetSliceNode().JumpSlice(*[float(value) for value in ras])

    def picture(self, name: str, bottom: Any = None) -> Path:
        """Write ``NAME.png``; the panel is scrolled so that the widget ``bottom`` is seen."""
        import qt

        end = time.monotonic() + SETTLE_S
        self.wait(lambda: time.monotonic() > end)
        if bottom is not None:
            self.area.ensureWidgetVisible(bottom, 0, 8)
        self.app.processEvents()
        image = qt.QImage(*WINDOW, qt.QImage.Format_RGB32)
        image.fill(qt.QColor("#1f1f1f"))
        painter = qt.QPainter(image)
        self._draw_header(painter)
        painter.drawPixmap(0, HEADER, self.area.grab())
        for view, (x, y, width, height) in self._places().items():
            self._draw_view(painter, view, x, y, width, height)
        painter.end()
        file = self.out / f"{name}.png"
        assert image.save(str(file)), f"{file} could not be written"
        return file

    def render_views(self) -> None:
        """Give the views their sizes in the picture."""
        for view, (_x, _y, width, height) in self._places().items():
            self.views.render(view, (width, height))

    def close(self) -> None:
        """Take the module away as Slicer does when it closes."""
        self.module.holder.setParent(None)
        self.views.close()
        self.module.close()

    def _scroll_area(self) -> Any:
        """The module panel, scrolled where it is higher than the window."""
        import qt

        area = qt.QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(qt.QFrame.NoFrame)
        area.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        area.setWidget(self.module.holder)
        area.resize(PANEL_WIDTH, WINDOW[1] - HEADER)
        area.show()
        return area

    def _places(self) -> dict[str, tuple[int, int, int, int]]:
        """{view: (x, y, width, height)} of the pictures below their bars."""
        left = PANEL_WIDTH + GAP
        wide = (WINDOW[0] - left) * 3 // 5
        small = WINDOW[0] - left - wide - GAP
        half = (WINDOW[1] - GAP) // 2
        return {
            "Red": (left, BAR, wide, WINDOW[1] - BAR),
            "Yellow": (left + wide + GAP, BAR, small, half - BAR),
            "Green": (left + wide + GAP, half + GAP + BAR, small, half - BAR),
        }

    def _draw_header(self, painter: Any) -> None:
        import qt

        painter.fillRect(0, 0, PANEL_WIDTH, WINDOW[1], self.module.holder.palette.color(qt.QPalette.Window))
        painter.setPen(qt.QColor("#202020"))
        painter.drawText(qt.QRect(12, 0, PANEL_WIDTH, HEADER), qt.Qt.AlignVCenter, "Modules:   TransferSeg")
        painter.fillRect(0, HEADER - 1, PANEL_WIDTH, 1, qt.QColor("#b0b0b0"))

    def _draw_view(self, painter: Any, name: str, x: int, y: int, width: int, height: int) -> None:
        import qt

        array = self.views.render(name, (width, height))
        shown = qt.QImage(array.tobytes(), width, height, 3 * width, qt.QImage.Format_RGB888)
        painter.drawImage(x, y, shown)
        painter.fillRect(x, y - BAR, width, BAR, qt.QColor(COLOURS[name]))
        painter.setPen(qt.QColor("#101010"))
        node = self.views.view(name).logic.GetSliceNode()
        offset = self.views.view(name).logic.GetSliceOffset()
        letters = DIRECTIONS[name]
        text = (
            f"{node.GetLayoutLabel() or name[0]}    {letters[0] if offset >= 0 else letters[1]}: {abs(offset):.1f} mm"
        )
        painter.drawText(qt.QRect(x + 8, y - BAR, width, BAR), qt.Qt.AlignVCenter, text)
        logic = self.views.view(name).logic
        layers = {"B": logic.GetBackgroundLayer(), "F": logic.GetForegroundLayer()}
        shown = [
            f"{letter}: {layer.GetVolumeNode().GetName()}" for letter, layer in layers.items() if layer.GetVolumeNode()
        ]
        painter.setPen(qt.QColor("#f0f0f0"))
        for line, text in enumerate(shown):
            painter.drawText(qt.QRect(x + 8, y + height - 24 - 18 * line, width, 20), qt.Qt.AlignVCenter, text)


def lesion_centre(node: Any, segment: str, volume: Any) -> tuple[float, float, float]:
    """A point inside the segment, in the slice where most of it lies."""
    import numpy as np
    import slicer
    from test_module_story import inner, ras_of

    segment_id = node.GetSegmentation().GetSegmentIdBySegmentName(segment)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume) > 0
    k = int(array.sum(axis=(1, 2)).argmax())
    rows, columns = np.nonzero(inner(array[k]))
    middle = len(rows) // 2
    return ras_of(volume, (columns[middle], rows[middle], k))


def segment_pictures(session: Session, data: Path) -> None:
    """The Segment panel before, while and after a run on a patient with multiple sclerosis."""
    panel = session.frame.segmentPanel
    images = session.load(data / "ms_open_ms_data" / "patient19")
    session.picture("segment-ready")
    panel.ui.applyButton.click()
    session.wait(lambda: panel.run is None or (panel.run.done and panel.run.memory))
    assert panel.run is not None, "the run was over before its picture could be taken"
    session.picture("segment-running")
    session.wait(lambda: panel.run is None)
    session.jump(lesion_centre(panel.result.node, "oedema", images["flair"]))
    session.picture("segment-result")


def adapt_pictures(session: Session, data: Path) -> None:
    """The Adapt and Models panels; see ``screenshots_adapt.py``."""
    import screenshots_adapt

    screenshots_adapt.adapt_pictures(session, data)


def l3_pictures(session: Session, data: Path) -> None:
    """The L3 panel; see ``screenshots_l3.py``."""
    import screenshots_l3

    screenshots_l3.l3_pictures(session, data)


def petct_pictures(session: Session, data: Path) -> None:
    """The PET/CT panel; see ``screenshots_petct.py``."""
    import screenshots_petct

    screenshots_petct.petct_pictures(session, data)


def light_pictures(session: Session, data: Path) -> None:
    """The section "Make a light version"; see ``screenshots_light.py``."""
    import screenshots_light

    screenshots_light.light_pictures(session, data)


PICTURES: dict[str, Callable[[Session, Path], None]] = {
    "segment": segment_pictures,
    "adapt": adapt_pictures,
    "l3": l3_pictures,
    "petct": petct_pictures,
    "light": light_pictures,
}


def main() -> None:
    """Make all pictures, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("TRANSFERSEG_DATA") or PROJECT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=PROJECT / "Resources" / "Screenshots")
    parser.add_argument("--only", nargs="*", choices=PICTURES, default=list(PICTURES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="transferseg-") as home:
        os.environ["TRANSFERSEG_HOME"] = home
        session = Session(options.out)
        for name in options.only:
            PICTURES[name](session, options.data)
        session.close()


if __name__ == "__main__":
    main()
