"""Which county a command means when it is not told."""

from __future__ import annotations

from huqing.registry.models import Region
from huqing.screening.schedule import counties
from huqing.site.commands.support import Failure


def only_county() -> str:
    """The one county of this installation; several or none is a failure that says which option to give."""
    codes = [
        code[:6]
        for code in Region.objects.filter(level=Region.Level.COUNTY, valid_to=None).values_list("code", flat=True)
    ]
    if len(codes) == 1:
        return codes[0]
    held = counties()
    if len(held) == 1:
        return held[0]
    if not codes:
        raise Failure("还没有区划代码。请先运行 huqing regions load。")
    raise Failure(f"本机有 {len(codes)} 个县的区划，请用 --region 写明县代码（6 位）。")
