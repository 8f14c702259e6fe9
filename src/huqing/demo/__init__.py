"""A demo county: invented people in real villages, the files a county holds, and the truth about them.

``write(folder, households=…, as_of=…)`` makes it; ``huqing.demo.truth`` reads the truth back and scores a screening.
"""

from __future__ import annotations

from huqing.demo.county import FileInfo, Summary, write
from huqing.demo.places import regions

__all__ = ["FileInfo", "Summary", "regions", "write"]
