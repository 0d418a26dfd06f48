"""What an answer's head says of its body: type, charset, file name. It is the server's word, so maybe hostile."""

from __future__ import annotations

import codecs
import re
from typing import Final

from ._messages import Head

# RFC 9110 section 5.6.6: one ;name=value of a header, the value a token or a quoted string.
_PARAMETER: Final = r';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))'
_CHARSET: Final = r"[A-Za-z0-9.:_+-]{1,40}"  # Python remembers each name that it is asked for
# Not charsets but notations, or such that a decoder must hold back without end.
_UNFIT: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"})
# Windows takes these for devices, whatever suffix they have.
_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", *(port + n for port in ("COM", "LPT") for n in "0123456789¹²³")}
)
# What no name ends with: Windows would cut off the first two, and all others look like nothing.
_LAST: Final = (
    ". \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_UNSAFE: Final = r'[\x00-\x1f\x7f-\x9f<>:"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]'
_NAME_BYTES: Final = 200  # file systems take 255; the rest is for whoever derives a name from it


def parameters(value: str) -> dict[str, str]:
    """The parameters of a header such as Content-Type, by lower-case name; of several the first."""
    found: dict[str, str] = {}
    for name, quoted, token in re.findall(_PARAMETER, value):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else token.strip())
    return found


def media_type(head: Head) -> str:
    """The Content-Type without its parameters, in lower case; empty if there is none."""
    return (head.get("content-type") or "").partition(";")[0].strip().lower()


def charset(head: Head) -> str:
    """The charset that the answer declares, if Python knows it as one of text on the wire; else UTF-8."""
    declared = parameters(head.get("content-type") or "").get("charset", "")
    if not re.fullmatch(_CHARSET, declared):
        return "utf-8"
    try:
        " ".encode(declared)  # not "": that is never looked up
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if codecs.lookup(declared).name in _UNFIT else declared


def file_name(head: Head) -> str | None:
    """The file name of the Content-Disposition (RFC 6266), made safe; None if it gives none.

    ``filename*`` is preferred: BentoML sends only that as soon as a name has a space or a non-ASCII character.
    """
    found = parameters(head.get("content-disposition") or "")
    return safe_name(_extended(found.get("filename*", "")) or _latin(found.get("filename", "")))


def safe_name(name: str) -> str | None:
    """A name that is safe to create in a directory, on every platform; None if nothing is left of it.

    Directories go, of both kinds of slash; control, bidirectional and reserved characters become ``_``, and so do
    leading dots, which hide a file, and leading dashes, which make an option of it for commands; what is too long is
    cut before the suffix.
    """
    base = re.split(r"[/\\]", name)[-1].lstrip().rstrip(_LAST)
    base = re.sub(_UNSAFE, "_", base.encode("utf-8", "replace").decode())
    if base.startswith((".", "-")):
        base = "_" + base.lstrip(".-")
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
    """Decode ``charset'language'percent-encoded`` (RFC 8187); empty if it is malformed."""
    encoding, _, rest = value.partition("'")
    _, mark, text = rest.partition("'")
    if not mark or encoding.lower() not in ("utf-8", "iso-8859-1"):
        return ""
    from urllib.parse import unquote_to_bytes  # slow to load, and few names need it

    try:
        return unquote_to_bytes(text).decode(encoding)
    except ValueError:
        return ""


def _latin(value: str) -> str:
    """Raw UTF-8 in a header comes out of HTTP libraries as Latin-1: read it as it was meant, if it was."""
    try:
        return value.encode("latin-1").decode()
    except ValueError:
        return value
