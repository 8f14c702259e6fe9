"""Converting a form in a helper process with limited memory and time (decision 0006)."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Mapping

from huqing.intake.reading.helper import Ended, Helper, give_back, take
from huqing.packs.errors import FormProblem
from huqing.packs.forms import Conversion
from huqing.packs.plain import conversion_from_data
from huqing.packs.workbook import LARGEST
from huqing.rules.parameters import Parameter
from huqing.visits.converter import told_of

MODULE = "huqing.visits.converter"
MEMORY_MB = 600
SECONDS = 60.0
AT_ONCE = 2
_places = threading.BoundedSemaphore(AT_ONCE)


def convert_form(content: bytes, name: str, parameters: Mapping[str, Parameter] | None = None) -> Conversion:
    """``packs.forms.convert`` elsewhere: a file that breaks, hangs or swallows the helper is one problem in words."""
    if len(content) > LARGEST:
        return _refused(name, f"文件超过 {LARGEST >> 20} MB", "删去图片和无关的表再上传")
    request = {
        "name": name,
        "content": base64.b64encode(content).decode(),
        "parameters": told_of(parameters or {}),
    }
    with _places:
        for fresh in (False, True):
            helper: Helper | None = None
            try:
                helper = take(MEMORY_MB, MODULE)
                answer = helper.ask(request, SECONDS)
            except Ended as ended:
                if helper is not None:
                    helper.close()
                if ended.slow:
                    return _refused(name, f"转换超过 {SECONDS:.0f} 秒仍未完成，已停止", "删去多余的行和列再上传")
                if fresh:
                    return _refused(name, "转换时内存超限，或文件已损坏，已停止", "用 Excel 打开，另存一份再上传")
                continue  # it had gone to sleep between two requests
            break
    if "done" in answer:
        give_back(helper)
        return conversion_from_data(answer["done"])
    with contextlib.suppress(OSError):
        helper.close()
    return _refused(name, "转换时内存超限，或文件已损坏，已停止", "用 Excel 打开，另存一份再上传")


def _refused(name: str, problem: str, remedy: str) -> Conversion:
    return Conversion(problems=(FormProblem(name, "", 0, "", problem, remedy),))
