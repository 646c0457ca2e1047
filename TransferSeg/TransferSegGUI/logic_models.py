"""The models' part of the logic: list, describe, import, export, delete, verify, measure, where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from . import models, wording
from .logic_base import Callback, LogicBase, OnEvent
from .size_words import sizeSentence

if TYPE_CHECKING:
    from .models import ModelInfo
    from .runs import Run


class ModelMethods(LogicBase):
    """Models of this computer; everything here works offline."""

    def models(self) -> list[ModelInfo]:
        """All models, those that are offered first.

        Example
        -------
        >>> [info.name for info in logic.models() if info.offered]
        ['brain-unet-phantom']
        """
        return models.listModels()

    def model(self, name: str) -> ModelInfo:
        """One model by name; ``UsageError`` that lists what there is.

        Example
        -------
        >>> logic.model("brain-unet-phantom").needs
        'FLAIR, T1, T1 with contrast, T2'
        """
        return models.findModel(name)

    def importModel(
        self,
        path: str | Path,
        name: str | None = None,
        callback: Callback | None = None,
        onEvent: OnEvent | None = None,
    ) -> str | Run:
        """Bring a model's folder or zip (a MONAI bundle, or one of ours) into the user's models; its name.

        Example
        -------
        >>> logic.importModel("/home/me/brats_bundle.zip")
        'brats_bundle'
        """
        args = {"action": "import", "path": str(path), "name": name or None}
        return self._ask("models", args, lambda value: value["name"], callback, onEvent, changes=True)

    def exportModel(
        self, name: str, path: str | Path, callback: Callback | None = None, onEvent: OnEvent | None = None
    ) -> str | Run:
        """Write a model as a zip for a colleague or another program, over a file that is there; the file's path.

        Example
        -------
        >>> logic.exportModel("my-model", "/home/me/my-model.zip")
        '/home/me/my-model.zip'
        """
        args = {"action": "export", "name": str(models.findModel(name).folder), "out": str(path), "overwrite": True}
        return self._ask("models", args, lambda value: value["path"], callback, onEvent)

    def deleteModel(self, name: str, callback: Callback | None = None, onEvent: OnEvent | None = None) -> str | Run:
        """Delete a model of the user's; a shipped one is refused. Returns its name.

        Example
        -------
        >>> logic.deleteModel("my-model")
        'my-model'
        """
        args = {"action": "delete", "name": name}
        return self._ask("models", args, lambda value: name, callback, onEvent, changes=True)

    def verifyModel(
        self, name: str | None = None, callback: Callback | None = None, onEvent: OnEvent | None = None
    ) -> list[dict] | Run:
        """Read every number of one model, or of all: ``[{name, ok, problem, path}]``.

        Example
        -------
        >>> logic.verifyModel("brain-unet-phantom")[0]["ok"]
        True
        """
        args = {"action": "verify", "name": name}
        return self._ask("models", args, lambda rows: rows, callback, onEvent)

    def measureModel(self, name: str, callback: Callback | None = None, onEvent: OnEvent | None = None) -> str | Run:
        """Measure what a model needs on this computer and keep it in its card; parameters, time, memory in words.

        Example
        -------
        >>> logic.measureModel("brain-unet-phantom")
        '125,229 parameters, 1.4 s and 0.3 GB on this computer'
        """

        def words(value: dict) -> str:
            from TransferSegLib.packages import SizeRecord

            return sizeSentence([SizeRecord(**value["size"])])

        args = {"action": "measure", "name": str(models.findModel(name).folder)}
        return self._ask("models", args, words, callback, onEvent, changes=True)

    def modelsFolder(self) -> Path:
        """Where the user's models lie (it may not be there yet).

        Example
        -------
        >>> logic.modelsFolder().name
        'models'
        """
        from TransferSegLib.places import models_folder

        return models_folder()

    def storageFolder(self) -> Path:
        """The folder of models, trainings and caches, the same for Slicer and shell.

        Example
        -------
        >>> logic.storageFolder() in logic.modelsFolder().parents
        True
        """
        from TransferSegLib.places import home

        return home()

    def setStorageFolder(self, path: str | Path | None) -> None:
        """Keep models and trainings in another folder from now on (None: the default); nothing is moved.

        Example
        -------
        >>> logic.setStorageFolder("/data/transferseg")
        """
        from TransferSegLib.places import set_home

        self._refuseWhileRunning()
        set_home(path)
        self._onStorageChanged()

    def moveStorage(
        self, path: str | Path | None, callback: Callback | None = None, onEvent: OnEvent | None = None
    ) -> list[str] | Run:
        """Keep models and trainings in another folder (None: the default) and take all along; the names moved.

        Each is copied and compared before an old one is removed; an error or a cancel leaves all where they were.

        Example
        -------
        >>> logic.moveStorage("/data/transferseg")
        ['ms-model']
        """

        def moved(value: dict) -> list[str]:
            self._onStorageChanged()
            return value["moved"]

        self._refuseWhileRunning()
        place = {"default": True} if path is None else {"path": str(path)}
        return self._ask("models", {"action": "folder", "move": True, **place}, moved, callback, onEvent)

    def _refuseWhileRunning(self) -> None:
        if self.running is not None:
            raise wording.problem(_("A run is going on; wait for it before changing the folder."))

    def _onStorageChanged(self) -> None:
        if self._client is not None:
            self._client.restart()
        self.changed.emit()
