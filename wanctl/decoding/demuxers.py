"""Which demuxer a file's first bytes ask for. Those of playlists and of lists of files are not among them."""

_DEMUXERS = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"\x30\x26\xb2\x75", "asf"),
    (0, b"\x06\x0e\x2b\x34", "mxf"),
)
_PICTURES_THAT_LOOK_SO = (b"ftypavif", b"ftypheic", b"ftypheix", b"ftypmif1")
_TRANSPORT_PACKET, _SYNC = 188, 0x47  # MPEG-TS: one such byte at the begin of every packet
BEGIN = 2 * _TRANSPORT_PACKET + 1  # bytes that are looked at


def demuxer_for(begin: bytes) -> str | None:
    """What can read a video that begins so; None for what is none."""
    if begin[4:12] in _PICTURES_THAT_LOOK_SO:
        return None
    if len(begin) >= BEGIN and {begin[at * _TRANSPORT_PACKET] for at in range(3)} == {_SYNC}:
        return "mpegts"
    return next(
        (name for offset, magic, name in _DEMUXERS if begin[offset : offset + len(magic)] == magic), None
    )
