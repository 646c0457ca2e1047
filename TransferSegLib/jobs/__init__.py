"""One function a verb: what the command line, Python, the worker and the panel call."""
