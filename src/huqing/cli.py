"""The ``huqing`` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Entry point: set Django up only when a command needs it, and speak Chinese."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
    from huqing.site.commands import root

    sys.exit(root.run())


if __name__ == "__main__":
    main()
