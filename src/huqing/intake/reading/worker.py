"""The helper process: parses foreign files under a memory limit and hands back plain Arrow data.

It speaks JSON lines on its standard streams: one request, any number of ``at`` lines saying which sheet is being read,
one answer. It holds no keys and no database, and ends by itself when it has nothing to do.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from huqing.intake.reading.delimited import TextFile
from huqing.intake.reading.faults import Fault
from huqing.intake.reading.shapes import Limits
from huqing.intake.reading.workbooks import RawSheet, Workbook

IDLE_SECONDS = 300
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_LOCKED = "EncryptedPackage".encode("utf-16-le")  # what a workbook with a password keeps its content in
_RESAVE = "请在 Excel 或 WPS 中打开后另存为 .xlsx，再上传。"
_OTHER = (
    (b"\x1f\x8b", "是 gzip 压缩文件", "请解压后上传里面的表格。"),
    (b"BZh", "是 bzip2 压缩文件", "请解压后上传里面的表格。"),
    (b"Rar!", "是 RAR 压缩文件", "请解压后上传里面的表格。"),
    (b"7z\xbc\xaf", "是 7z 压缩文件", "请解压后上传里面的表格。"),
    (b"%PDF", "是 PDF 文件", "请向提供单位要 .xlsx 或 .csv 格式的原表。"),
    (b"\x89PNG", "是图片", "请上传表格文件（.xlsx、.xls、.csv）。"),
    (b"\xff\xd8\xff", "是图片", "请上传表格文件（.xlsx、.xls、.csv）。"),
    (b"SQLite format 3", "是数据库文件", "请导出为 .xlsx 或 .csv，再上传。"),
)


def format_of(path: str, most_bytes: int) -> str:
    """What the file is by its content: xlsx, xlsb, ods, xls or text; a Fault when it is nothing that can be read."""
    with open(path, "rb") as stream:
        start = stream.read(4096)
    if not start.strip(b"\x00\r\n\t ") and os.path.getsize(path) <= len(start):
        raise Fault("文件是空的。", "请确认选对了文件，再上传。")
    if start.startswith((b"PK\x05\x06", b"PK\x07\x08")):
        raise Fault("文件是空的压缩包，不是表格。", _RESAVE)
    if start.startswith(_ZIP):
        return _zip_format(path, most_bytes)
    if start.startswith(_OLE):
        if _LOCKED in Path(path).read_bytes():
            raise Fault("文件加了密码。", "请打开文件，去掉密码后另存，再上传。")
        return "xls"
    if _old_excel(start):
        return "xls"
    for magic, what, remedy in _OTHER:
        if start.startswith(magic):
            raise Fault(f"文件{what}，不是表格。", remedy)
    lowered = start.lstrip(b"\xef\xbb\xbf\r\n\t ")[:512].lower()
    if lowered.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"mime-version", b"<style")):
        raise Fault("文件是网页格式的表格，只是后缀写成了表格。", _RESAVE)
    if Path(path).suffix.lower() in (".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".dbf") and _looks_binary(start):
        raise Fault("文件内容已损坏，或不是真正的表格文件。", _RESAVE)
    return "text"


def _old_excel(start: bytes) -> bool:
    """The beginning-of-file record of BIFF 2–5 workbooks without a container."""
    return start[:2] == b"\x09\x08" and start[4:6] in (b"\x00\x05", b"\x00\x06")


def _looks_binary(start: bytes) -> bool:
    controls = sum(byte < 9 or 13 < byte < 32 for byte in start)
    return controls > len(start) / 20 and not start.startswith((b"\xff\xfe", b"\xfe\xff"))


def _zip_format(path: str, most_bytes: int) -> str:
    from huqing.intake.reading.packages import book_part, open_package

    with open_package(path, most_bytes=most_bytes) as package:
        book = book_part(package).lower()
        names = {name.lower().lstrip("/").replace("\\", "/") for name in package.namelist()}
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "content.xml" in names:
        return "ods"
    if book.endswith("workbook.xml") or any(name.startswith("xl/") for name in names):
        return "xlsx"
    if any(name.startswith("word/") for name in names):
        raise Fault("文件是 Word 文档，不是表格。", "请把表格复制到 Excel，另存为 .xlsx，再上传。")
    raise Fault("文件是压缩包，不是表格。", "请解压后上传里面的表格。")


class Worker:
    """Answers requests one at a time."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def say(self, **message: Any) -> None:
        """One JSON line to the caller."""
        self.out.write(json.dumps(message, ensure_ascii=True) + "\n")
        self.out.flush()

    def answer(self, request: dict[str, Any]) -> None:
        """Read what `request` asks for; whatever goes wrong becomes one answer."""
        try:
            self.say(done=self._read(request))
        except Fault as fault:
            self.say(fault=_told(fault))
        except MemoryError:
            self.say(memory=True)
        except Exception as error:
            self.say(fault=_told(Fault("文件无法读取。", _RESAVE)), detail=type(error).__name__)

    def _read(self, request: dict[str, Any]) -> dict[str, Any]:
        limits = Limits(**request["limits"])
        path = request["path"]
        found = format_of(path, limits.unpacked_bytes)
        bounds = {"rows": limits.rows, "columns": limits.columns}
        head = request["head"]
        if found == "text":
            text = TextFile(path, **bounds, encoding=request["encoding"], delimiter=request["delimiter"])
            if request["book"] and not text.delimited:
                raise Fault("文件内容已损坏，或不是真正的表格文件。", _RESAVE)
            sheets = [text.head(head) if head else text.sheet()]
        else:
            book = Workbook(path, found, unpacked_bytes=limits.unpacked_bytes, **bounds)
            if len(book.names) > limits.sheets:
                raise Fault(f"有 {len(book.names)} 个工作表，超出 {limits.sheets} 个的上限。", "请分成几个文件上传。")
            if head:
                sheets = list(book.heads(head, lambda name: self.say(at=name)))
            else:
                name = request["sheet"] or book.names[0]
                if name not in book.names:
                    raise Fault(f"没有名为「{name}」的工作表。", f"文件里有：{'、'.join(book.names)}。", sheet=name)
                self.say(at=name)
                sheets = [book.sheet(name)]
        return {"format": found, "sheets": [_sent(sheet, request["outs"], index) for index, sheet in enumerate(sheets)]}


def _told(fault: Fault) -> dict[str, Any]:
    return {"what": fault.what, "remedy": fault.remedy, "sheet": fault.sheet, "row": fault.row, "column": fault.column}


def _sent(sheet: RawSheet, outs: list[str], index: int) -> dict[str, Any]:
    """Describe `sheet`; its cells go into the file the caller opened (whole sheets) or into the answer (previews)."""
    told: dict[str, Any] = {
        "name": sheet.name,
        "rows": sheet.rows,
        "left": sheet.left,
        "visible": sheet.visible,
        "merges": sheet.merges,
        "notes": sheet.notes,
        "encoding": sheet.encoding,
        "delimiter": sheet.delimiter,
        "fault": _told(sheet.fault) if sheet.fault else None,
    }
    if index < len(outs):
        schema = pa.schema([(f"c{i}", column.type) for i, column in enumerate(sheet.columns)])
        with pa.OSFile(outs[index], "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(pa.record_batch(sheet.columns, schema=schema))
    else:
        columns = [column.cast(pa.string()).to_pylist() for column in sheet.columns]
        told["cells"] = [[cell or "" for cell in row] for row in zip(*columns, strict=True)]
    return told


def _bound_memory(megabytes: int) -> None:
    """Let the process have `megabytes` beyond what it holds now; without effect where the system has no such limit."""
    try:
        import resource
    except ImportError:
        return
    try:
        held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:
        held = 2**30
    limit = held + megabytes * 2**20
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(answer: Callable[[TextIO], Callable[[dict[str, Any]], None]]) -> None:
    """Serve requests from standard input until it closes or nothing came for a while.

    ``answer`` gets the stream to the caller and returns what is called with each request.
    """
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    # Native libraries print warnings; nothing of a foreign file may reach a log.
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    _bound_memory(int(sys.argv[1]))
    answering = answer(out)
    out.write(json.dumps({"ready": True}) + "\n")
    out.flush()
    idle = threading.Timer(IDLE_SECONDS, os._exit, (0,))
    idle.daemon = True
    idle.start()
    for line in sys.stdin:
        idle.cancel()
        answering(json.loads(line))
        idle = threading.Timer(IDLE_SECONDS, os._exit, (0,))
        idle.daemon = True
        idle.start()


if __name__ == "__main__":
    serve(lambda out: Worker(out).answer)
