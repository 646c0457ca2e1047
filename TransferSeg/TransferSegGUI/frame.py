"""What holds the panels together: the tabs, the set-up above them, and who hands over to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from .adapt_panel import AdaptPanel
from .level_panel import LevelPanel
from .models import LEVEL, isPet
from .models_panel import ModelsPanel
from .pet_panel import PetPanel
from .revealing import reveal, scrollToTop
from .segment_panel import SegmentPanel
from .setup_panel import SetupPanel

SEGMENT, ADAPT, L3, PET, MODELS = range(5)


class Frame:
    """The widget that the module shows.

    Parameters
    ----------
    logic : the module's logic
    resourcePath : callable from a name in Resources to its path
    """

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        self.logic = logic
        self.widget = slicer.util.loadUI(resourcePath("UI/TransferSeg.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.setupPanel = SetupPanel(logic, resourcePath)
        self.segmentPanel = SegmentPanel(logic, resourcePath)
        self.adaptPanel = AdaptPanel(logic, resourcePath)
        self.levelPanel = LevelPanel(logic, resourcePath)
        self.petPanel = PetPanel(logic, resourcePath)
        self.modelsPanel = ModelsPanel(logic, resourcePath)
        self.panels = [self.segmentPanel, self.adaptPanel, self.levelPanel, self.petPanel, self.modelsPanel]
        self.ui.setupPlace.layout().addWidget(self.setupPanel.widget)
        pages = ("segmentPage", "adaptPage", "l3Page", "petPage", "modelsPage")
        for page, panel in zip((getattr(self.ui, name) for name in pages), self.panels):
            page.layout().addWidget(panel.widget)
        self.ui.tabs.connect("currentChanged(int)", self.show)
        self.setupPanel.changed.connect(self._onDependencies)
        self.segmentPanel.trainingCaseWanted.connect(self._offerCase)
        self.adaptPanel.modelWanted.connect(self._useModel)
        self.modelsPanel.modelWanted.connect(self._useModel)
        self.setupPanel.refresh()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Give all panels another parameter node, or none."""
        for panel in self.panels:
            panel.setParameterNode(parameterNode)

    def enter(self) -> None:
        """The module is shown."""
        self.setupPanel.refresh()
        self.show(self.ui.tabs.currentIndex)

    def show(self, index: int) -> None:
        """A tab is shown: its panel looks at models and scene again."""
        for number, panel in enumerate(self.panels):
            panel.widget.setVisible(number == index)  # else every tab is as high as the highest
        self.panels[index].enter()
        scrollToTop(self.widget)

    def sceneChanged(self) -> None:
        """The scene was closed or another one loaded."""
        self.segmentPanel.sceneChanged()
        self.levelPanel.sceneChanged()
        self.petPanel.sceneChanged()

    def cleanup(self) -> None:
        """Let go of scene and logic."""
        for panel in [*self.panels, self.setupPanel]:
            panel.cleanup()

    def _onDependencies(self, state: Any) -> None:
        """While something is missing, work cannot start, and the panels say why."""
        for panel in self.panels:
            panel.setBlocked(None if state.ready else state.reason)

    def _offerCase(self, model: str, volumes: dict[str, Any], segmentation: Any) -> None:
        self.ui.tabs.setCurrentIndex(ADAPT)
        self.adaptPanel.offerCase(model, volumes, segmentation)
        reveal(self.adaptPanel.ui.sceneFrame)

    def _useModel(self, model: str) -> None:
        """Choose a model in the tab that runs it."""
        info = next((one for one in self.logic.models() if one.name == model and one.card is not None), None)
        tab, panel = SEGMENT, self.segmentPanel
        if info is not None and info.card.task == LEVEL:
            tab, panel = L3, self.levelPanel
        elif info is not None and isPet(info):
            tab, panel = PET, self.petPanel
        self.ui.tabs.setCurrentIndex(tab)
        panel.selectModel(model)
