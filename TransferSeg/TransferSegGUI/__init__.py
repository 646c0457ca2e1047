"""What the TransferSeg module needs inside Slicer: the worker's client, MRML results, panels, set-up."""
