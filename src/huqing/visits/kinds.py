"""What an attachment is by its first bytes, whatever its name says, and how large one may be."""

from __future__ import annotations

from collections.abc import Mapping

MIB = 2**20
HEAD = 4096

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# Brands of the ISO media file format; whatever is not named here is a film.
_BRANDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "image/heic"),
    ((b"avif", b"avis"), "image/avif"),
    ((b"M4A ", b"M4B "), "audio/mp4"),
    ((b"3gp4", b"3gp5", b"3gp6", b"3gr6", b"3g2a"), "video/3gpp"),
    ((b"qt  ",), "video/quicktime"),
)
_PHOTOS, _SOUNDS = ("jpg", "jpeg", "png", "webp", "heic", "heif", "avif"), ("mp3", "m4a", "wav", "ogg", "oga", "opus")
_SOUNDS = (*_SOUNDS, "amr", "aac", "3gp", "3gpp", "3ga", "mp4", "m4v", "mov", "webm")
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    # A recording and a film share containers: one phone's .mp4 is another's .m4a.
    **dict.fromkeys(_PHOTOS, ("image",)),
    **dict.fromkeys(_SOUNDS, ("audio", "video")),
    "pdf": ("application",),
    "csv": ("text",),
    "txt": ("text",),
}
_LARGEST = {"image": 30 * MIB, "audio": 30 * MIB, "video": 80 * MIB, "application": 30 * MIB, "text": 5 * MIB}
_WORDS = {"image": "照片", "audio": "录音", "video": "视频", "application": "PDF", "text": "文本"}


def kind_of(head: bytes, name: str) -> str:
    """The media type of a file that begins with ``head``; "" when it is none we take."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return next((kind for brands, kind in _BRANDS if head[8:12] in brands), "video/mp4")
    ending = _ending(name)
    if ending in ("csv", "txt") and _is_text(head):
        return "text/csv" if ending == "csv" else "text/plain"
    return ""


def wrong(kind: str, name: str, size: int) -> str:
    """Why a file of this kind, name and size is not taken; "" when nothing speaks against it."""
    if size == 0:
        return "文件是空的，请重拍或重选。"
    if not kind:
        return "文件类型不收，只收照片（JPEG、PNG、WebP）、录音、视频、PDF 和文本。"
    if kind in ("image/heic", "image/avif"):
        return "照片是 HEIC 或 AVIF 格式，打不开。请在手机相机设置里把照片格式改为 JPEG（兼容性最佳）再拍。"
    family = kind.partition("/")[0]
    expected = _FAMILIES.get(_ending(name))
    if expected is not None and family not in expected:
        return f"内容是{_WORDS[family]}，与文件名的扩展名 {_ending(name)} 不符。"
    largest = _LARGEST[family]
    if size > largest:
        return f"文件有 {size / MIB:.0f} MB，{_WORDS[family]}不能超过 {largest // MIB} MB。"
    return ""


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _is_text(head: bytes) -> bool:
    try:
        # A character may be cut at the end of the head.
        text = head.decode("utf-8") if len(head) < HEAD else head[: HEAD - 4].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\ufeff" for character in text)
