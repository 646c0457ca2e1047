"""Stand-in for the Sample Data module: sources are only registered; a test loads them through their own downloader."""

from __future__ import annotations

import types
from typing import Any

import slicer


class SampleDataSource:
    """One sample, with as many names, types and checksums as files."""

    def __init__(self, sampleName: str, lists: dict[str, Any], **values: Any) -> None:
        self.sampleName = sampleName
        if isinstance(lists["uris"], str):
            lists = {name: [value] for name, value in lists.items()}
        count = len(lists["uris"])
        for name, value in lists.items():
            filled = value if isinstance(value, (list, tuple)) else [value] * count
            if len(filled) != count:
                raise ValueError(f"All fields of sample data source must have the same length: {name} of {sampleName}")
            setattr(self, name, filled)
        for name, value in values.items():
            setattr(self, name, value)


class SampleDataLogic:
    """The registering part."""

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        """Give a category a title."""
        if not hasattr(slicer.modules, "sampleDataSourceCategories"):
            slicer.modules.sampleDataSourceCategories = {}
        slicer.modules.sampleDataSourceCategories.setdefault(category, {})["title"] = title

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: Any = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: Any = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
        loadFileType: Any = None,
    ) -> None:
        """Add a sample."""
        lists = {"uris": uris, "fileNames": fileNames, "nodeNames": nodeNames, "checksums": checksums}
        lists |= {"loadFileTypes": loadFileTypes or loadFileType, "loadFiles": loadFiles}
        source = SampleDataSource(
            sampleName,
            lists,
            customDownloader=customDownloader,
            thumbnailFileName=thumbnailFileName,
            loadFileProperties=loadFileProperties or {},
        )
        sources = SampleDataLogic.sampleDataSourcesByCategory()
        known = sources.setdefault(category, [])
        if sampleName not in [other.sampleName for other in known]:
            known.append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        """All samples, or those of a category."""
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources
        return sources if category is None else sources.get(category, [])


def make_sample_data() -> types.ModuleType:
    """The module ``SampleData``."""
    module = types.ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic
    return module
