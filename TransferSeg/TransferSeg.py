"""TransferSeg in 3D Slicer: the module, its widget and logic. The work is done in TransferSegGUI and TransferSegLib."""

import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# Run from a source checkout the library is the module folder's sibling; installed, it lies beside this file.
_root = Path(__file__).resolve().parent.parent
if (_root / "TransferSegLib").is_dir() and str(_root) not in sys.path:
    sys.path.insert(0, str(_root))

from TransferSegGUI.logic import LogicMethods  # noqa: E402
from TransferSegGUI.parameters import TransferSegParameterNode  # noqa: E402


class TransferSeg(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("TransferSeg")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations", "Volumes"]
        self.parent.contributors = ["TransferSeg contributors"]
        self.parent.helpText = _("Segments medical images and adapts a model to a few corrected cases.")
        self.parent.acknowledgementText = _(
            "The computing is done with PyTorch and MONAI, reading and aligning of images with SimpleITK. "
            "Each model names those who made it: use the button that copies how to cite it."
        )
        slicer.app.connect("startupCompleted()", registerSamples)


def registerSamples():
    """Add the module's sample cases to Sample Data, once Slicer has started."""
    from TransferSegGUI.samples import registerSamples

    registerSamples()


class TransferSegLogic(LogicMethods, ScriptedLoadableModuleLogic):
    """Segment, adapt and manage models with nodes in and nodes out; see ``LogicMethods``."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.setupLogic()

    def getParameterNode(self):
        """The typed parameter node of the scene."""
        return TransferSegParameterNode(super().getParameterNode())


class TransferSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The frame of the panels: Segment, Adapt and Models in tabs, the set-up above them."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.frame = None
        self._parameterNode = None

    def setup(self):
        """Called when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        from TransferSegGUI.frame import Frame

        self.logic = TransferSegLogic()
        self.frame = Frame(self.logic, self.resourcePath)
        self.layout.addWidget(self.frame.widget)
        self.ui = self.frame.ui
        scene = slicer.mrmlScene
        for event in (scene.StartCloseEvent, scene.StartImportEvent):
            self.addObserver(scene, event, self.onSceneStarts)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self.onSceneEnds)
        slicer.app.connect("aboutToQuit()", self.logic.shutdown)
        self.initializeParameterNode()

    def cleanup(self):
        """Called when Slicer closes or the module is reloaded."""
        self.removeObservers()
        if self.frame is None:  # the module could not be set up
            if self.logic is not None:
                self.logic.shutdown()
            return
        slicer.app.disconnect("aboutToQuit()", self.logic.shutdown)
        self.logic.shutdown()
        self.setParameterNode(None)
        self.frame.cleanup()

    def enter(self):
        """Called whenever the module is shown."""
        self.initializeParameterNode()
        self.frame.enter()

    def exit(self):
        """Called when another module is shown: the panels no longer follow the parameter node."""
        self.setParameterNode(None)

    def onSceneStarts(self, caller, event):
        """The scene is about to be closed or loaded: the parameter node is not to be relied on."""
        self.setParameterNode(None)

    def onSceneEnds(self, caller, event):
        """The scene was closed or loaded."""
        self.frame.sceneChanged()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Make sure that there is a parameter node and that the panels hold its values."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode):
        """Give the panels another parameter node, or none."""
        self._parameterNode = parameterNode
        if self.frame is not None:
            self.frame.setParameterNode(parameterNode)

    def onReload(self):
        """Reload the module with its packages: Slicer reloads this file only."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("TransferSegGUI", "TransferSegLib")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class TransferSegTest(ScriptedLoadableModuleTest):
    """The main job on a phantom, inside Slicer; skipped, saying so, where torch is not installed."""

    def runTest(self):
        """Run all in-Slicer tests."""
        from TransferSegGUI.selftest import runAll

        self.setUp()
        runAll(self)
