"""Attachments checked and stored: photos are decoded, turned upright and written anew, other files checked by content.

A photo written anew holds nothing but its picture: no position, no serial number of a camera, nothing behind its end.
The position is kept only for questions whose appearance says ``keep-position``. A file that is not taken does not hold
up the record it came with: the record says which file it was and why.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import IO
from xml.parsers import expat

from PIL import ExifTags, Image, ImageOps

from huqing.visits import files, kinds
from huqing.visits.files import Arrival

SIDE = 2048
THUMBNAIL_SIDE = 320
QUALITY = 85
KEEP_POSITION = "keep-position"
# Pixels. A JPEG is decoded at a fraction of its size, so phones' 108-megapixel photos cost no more than small ones.
MOST_JPEG, MOST_OTHERS = 120_000_000, 40_000_000
# A progressive JPEG says each pixel in several passes and is held whole (6 bytes a pixel) whatever the fraction.
MOST_PROGRESSIVE = 25_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png"}
# Pillow's own limit would be a warning below and an error above; ours is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = MOST_JPEG
# A decoded photo takes up to 160 MB: no more than two of them at once in one process.
_decoding = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class Stored:
    """What became of a file: where it lies, what came, what it is; or why it was ``refused``."""

    sha256: str = ""
    received_sha256: str = ""
    kind: str = ""
    size: int = 0
    refused: str = ""


class NoPicture(ValueError):
    """The bytes are no picture that can be decoded; the message says why, in Chinese."""


def store(arrival: Arrival, *, keep_position: bool = False) -> Stored:
    """Check and store a file that has come in whole; OSError when the disk is full."""
    with arrival.finish().path.open("rb") as file:
        kind = kinds.kind_of(file.read(kinds.HEAD), arrival.name)
    reason = kinds.wrong(kind, arrival.name, arrival.size)
    if reason:
        return Stored(received_sha256=arrival.sha256, kind=kind, size=arrival.size, refused=reason)
    if not kind.startswith("image/"):
        return Stored(files.keep(arrival), arrival.sha256, kind, arrival.size)
    try:
        content, kind = _anew(arrival, keep_position)
    except NoPicture as error:
        return Stored(received_sha256=arrival.sha256, kind=kind, size=arrival.size, refused=str(error))
    return Stored(files.keep_bytes(content), arrival.sha256, kind, len(content))


def open_photo(sha256: str, thumbnail: bool = False) -> IO[bytes]:
    """The stored file, or the small picture of a photo (JPEG, 320 pixels), which is made when first asked for.

    FileNotFoundError when it is not there; NoPicture when a thumbnail of something else is asked for.
    """
    path = files.place(sha256)
    if not thumbnail:
        return path.open("rb")
    small = files.thumbnail_place(sha256)
    if not small.exists():
        with path.open("rb") as file, _decoded(file) as image:
            image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
            files.put(small, _written(_on_white(image), "JPEG", b""))
    return small.open("rb")


@lru_cache(maxsize=256)
def keeping_position(xform: str) -> frozenset[str]:
    """The paths of the photo questions of an XForm that ask for the position where the photo was taken."""
    paths = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "upload" and KEEP_POSITION in attributes.get("appearance", "").split():
            paths.add(attributes.get("ref", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(xform.encode(), True)
    return frozenset(paths)


def _anew(arrival: Arrival, keep_position: bool) -> tuple[bytes, str]:
    """The bytes of a photo written anew, and their kind: PNG stays PNG (signatures), the rest becomes JPEG."""
    with arrival.path.open("rb") as file, _decoded(file) as image:
        position = _position(image) if keep_position else b""
        drawn = image.format == "PNG" or image.has_transparency_data
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        form = "PNG" if drawn else "JPEG"
        return _written(upright, form, position), KINDS[form]


@contextmanager
def _decoded(file: IO[bytes]):  # type: ignore[no-untyped-def]  # Pillow's own type, only known inside
    """A decoded image, at a fraction of its size where its format can; NoPicture if it cannot or must not be."""
    with _decoding:
        try:
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > _most(image):
                    raise NoPicture(f"照片有 {image.width}×{image.height} 像素，太大了。请用普通分辨率再拍。")
                image.draft("RGB", (SIDE, SIDE))
                image.load()
                yield image
        except (NoPicture, MemoryError):
            raise
        except OSError as error:
            # Pillow also says OSError for broken files; only the system's own errors have a number.
            if error.errno is not None:
                raise
            raise NoPicture("照片损坏或不完整，打不开。请重拍。") from None
        except Exception:  # what a decoder makes of hostile bytes is not ours to list
            raise NoPicture("照片损坏或不完整，打不开。请重拍。") from None


def _most(image: Image.Image) -> int:
    """How many pixels a picture of this kind may have."""
    # Some phones put a second picture into the file (MPO); the first is an ordinary JPEG.
    if image.format not in ("JPEG", "MPO"):
        return MOST_OTHERS
    return MOST_PROGRESSIVE if image.info.get("progressive") else MOST_JPEG


def _position(image: Image.Image) -> bytes:
    """An EXIF block with the position alone; b"" without one."""
    place = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    if not place:
        return b""
    alone = Image.Exif()
    alone.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    return alone.tobytes()


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground


def _written(image: Image.Image, form: str, exif: bytes) -> bytes:
    """The image's pixels and nothing else; whatever was in the file besides stays behind."""
    mode = ("RGBA" if image.has_transparency_data else "RGB") if form == "PNG" else "RGB"
    if image.mode in ("1", "L"):
        mode = "L"
    bare = image.convert(mode)
    bare.info = {}
    out = io.BytesIO()
    options = {"quality": QUALITY, "optimize": True} if form == "JPEG" else {"optimize": False}
    bare.save(out, form, exif=exif, **options)
    return out.getvalue()
