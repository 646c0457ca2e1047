"""``python -m TransferSegLib`` is the ``transferseg`` command."""

from .cli.main import main

raise SystemExit(main())
