"""Media or not, and which: by the first bytes. Light, so that what holds no media loads no library for it."""

from wanctl.dataset.contents import MediaKind

SNIFFED = 16  # bytes that are enough
_IMAGE, _VIDEO = MediaKind.IMAGE, MediaKind.VIDEO
_MAGIC = (
    (0, b"\xff\xd8\xff", _IMAGE, "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", _IMAGE, "PNG"),
    (0, b"BM", _IMAGE, "BMP"),
    (8, b"WEBP", _IMAGE, "WEBP"),
    (0, b"GIF8", _IMAGE, "GIF"),
    (0, b"II*\x00", _IMAGE, "TIFF"),
    (0, b"MM\x00*", _IMAGE, "TIFF"),
    (0, b"8BPS", _IMAGE, "Photoshop"),
    (0, b"<svg", _IMAGE, "SVG"),
    (4, b"ftypavif", _IMAGE, "AVIF"),
    (4, b"ftyphei", _IMAGE, "HEIC"),
    (4, b"ftypmif1", _IMAGE, "HEIC"),
    (4, b"ftyp", _VIDEO, "MP4"),
    (4, b"moov", _VIDEO, "MP4"),
    (4, b"mdat", _VIDEO, "MP4"),
    (4, b"wide", _VIDEO, "MP4"),
    (4, b"free", _VIDEO, "MP4"),
    (0, b"\x1aE\xdf\xa3", _VIDEO, "WebM or Matroska"),
    (8, b"AVI ", _VIDEO, "AVI"),
    (0, b"FLV\x01", _VIDEO, "FLV"),
    (0, b"\x00\x00\x01\xba", _VIDEO, "MPEG"),
    (0, b"\x30\x26\xb2\x75", _VIDEO, "WMV"),
)


def sniff(begin: bytes) -> tuple[MediaKind, str] | None:
    """The kind and format that the first bytes tell, if they are media's."""
    for offset, magic, kind, name in _MAGIC:
        if begin[offset : offset + len(magic)] == magic:
            return kind, name
    return None
