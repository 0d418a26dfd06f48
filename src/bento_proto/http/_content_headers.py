"""The header fields of a response that describe its body: media type, charset, file name. They are not trusted."""

from __future__ import annotations

import codecs
import re
from typing import Final

from bento_proto._text import decoded_utf8, printable

from ._messages import Head

# RFC 9110 section 5.6.6: one ;name=value of a header, the value a token or a quoted string.
_PARAMETER: Final = r';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))'
_CHARSET: Final = r"[A-Za-z0-9.:_+-]{1,40}"  # bounded, as Python caches every name that it looks up
# Codecs that are no charsets, or whose decoders buffer without bound.
_UNFIT: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"})
# Reserved names of devices on Windows, with any suffix.
_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", *(port + n for port in ("COM", "LPT") for n in "0123456789¹²³")}
)
# Removed from the end of a name: Windows drops the first two, and the others are invisible.
_LAST: Final = (
    ". \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_RESERVED: Final = r'[\t\n\r<>:"|?*]'
_NAME_BYTES: Final = 200  # file systems allow 255: this leaves room for names derived from it


def parameters(value: str) -> dict[str, str]:
    """The parameters of a field value, as of Content-Type, by lower-case name; the first one of a name counts."""
    found: dict[str, str] = {}
    for name, quoted, token in re.findall(_PARAMETER, value):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else token.strip())
    return found


def media_type(head: Head) -> str:
    """The media type of the Content-Type without parameters, in lower case; empty if there is none."""
    return (head.get("content-type") or "").partition(";")[0].strip().lower()


def charset(head: Head) -> str:
    """The charset that the Content-Type declares, if Python has a codec for it; else UTF-8."""
    declared = parameters(head.get("content-type") or "").get("charset", "")
    if not re.fullmatch(_CHARSET, declared):
        return "utf-8"
    try:
        " ".encode(declared)  # not "": that is never looked up
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if codecs.lookup(declared).name in _UNFIT else declared


def file_name(head: Head) -> str | None:
    """The file name of the Content-Disposition (RFC 6266), made safe by `safe_name`; None if there is none.

    ``filename*`` takes precedence. BentoML sends nothing else if a name has a space or a non-ASCII character.
    """
    disposition = head.get("content-disposition")
    if disposition is None:  # as of nearly all responses that are looked at
        return None
    found = parameters(disposition)
    return safe_name(_extended(found.get("filename*", "")) or decoded_utf8(found.get("filename", "")))


def safe_name(name: str) -> str | None:
    """A file name that is safe to create in a directory, on every platform; None if nothing is left of it.

    Directories are removed, with both kinds of slash. Control, invisible and reserved characters become ``_``, and so
    do leading dots, which hide a file, leading dashes, which commands take for an option, and leading tildes, which
    stand for a home directory. A long name is cut before its suffix.
    """
    base = re.split(r"[/\\]", name)[-1].lstrip().rstrip(_LAST)
    base = re.sub(_RESERVED, "_", printable(base, lambda _: "_"))
    if base.startswith((".", "-", "~")):
        base = "_" + base.lstrip(".-~")
    base = _shortened(base)
    if not base.strip("_"):
        return None
    return _shortened("_" + base) if base.partition(".")[0].rstrip().upper() in _DEVICES else base


def _shortened(name: str) -> str:
    if len(name.encode()) <= _NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix.encode()) > 32:
        stem, suffix = name, ""
    room = _NAME_BYTES - len((dot + suffix).encode()) if suffix else _NAME_BYTES
    kept = stem.encode()[:room].decode(errors="ignore").rstrip(_LAST)
    return kept + dot + suffix if suffix else kept


def _extended(value: str) -> str:
    """Decode an extended value, ``charset'language'percent-encoded`` (RFC 8187); empty if it is malformed."""
    encoding, _, rest = value.partition("'")
    _, mark, text = rest.partition("'")
    if not mark or encoding.lower() not in ("utf-8", "iso-8859-1"):
        return ""
    from urllib.parse import unquote_to_bytes  # slow to import, and few names need it

    try:
        return unquote_to_bytes(text).decode(encoding)
    except ValueError:
        return ""
