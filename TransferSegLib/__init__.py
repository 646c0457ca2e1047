"""TransferSeg: few-case transfer of medical image segmentation, without slicer or qt."""

__version__ = "0.1.0"
