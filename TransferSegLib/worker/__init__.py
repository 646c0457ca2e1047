"""One long-lived process that keeps torch and models warm and does one job at a time for whoever holds its pipes."""

from .arguments import to_arguments
from .channel import Channel
from .jobs import Newest, error_event
from .live import LiveVerb
from .serving import Server
from .warm import WarmModels, release_gpu

__all__ = ["Channel", "LiveVerb", "Newest", "Server", "WarmModels", "error_event", "release_gpu", "to_arguments"]
