"""Forms can be parsed again, whatever is in the names and the contents."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto.http import FilePart
from bento_proto.request import Body
from bento_proto.request._multipart import Field, multipart
from tests.proto.forms import Part, parse_form, whole
from tests.recordings import load

BOUNDARY = "5c0b3fd2a8e94be8"

# All that names may hold, and what means something in a head or between the parts.
NAMES = st.text() | st.text(st.sampled_from('"\r\n\0\\;=%-ä\ud800🐘'))
BINARY = st.binary() | st.text(st.sampled_from("-\r\n" + BOUNDARY[:4])).map(str.encode)
SEGMENTS = BINARY | BINARY.map(lambda data: FilePart(data, len(data)))
FIELDS = st.builds(Field, NAMES, SEGMENTS, st.none() | NAMES, st.sampled_from([None, "text/plain", "a/b; c=d"]))


def form(*fields: Field) -> Body:
    return multipart(fields, BOUNDARY)


def read(body: Body) -> list[Part]:
    return parse_form(body.content_type, whole(body))


def sent(name: str) -> str:
    """What the HTML standard makes of a name; and what is no Unicode, or no file name, is replaced."""
    plain = "".join("?" if "\ud800" <= c <= "\udfff" else "_" if c == "\0" else c for c in name)
    return plain.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


@settings(max_examples=200)
@given(st.lists(FIELDS, max_size=5))
def test_an_encoded_form_can_be_parsed(fields: list[Field]) -> None:
    for part, field in zip(read(form(*fields)), fields, strict=True):
        content = field.content if isinstance(field.content, bytes) else field.content.source
        assert (part.name, part.content_type, part.content) == (sent(field.name), field.content_type, content)
        assert (part.file_name is None) == (field.file_name is None)
        if field.file_name is not None:
            assert sent(field.file_name).endswith(part.file_name or "")


@settings(max_examples=200)
@given(NAMES, st.integers(0, 400))
def test_a_long_file_name_is_cut_at_the_beginning(start: str, length: int) -> None:
    (part,) = read(form(Field("f", b"", start + "ä" * length + ".txt", None)))
    name = part.file_name or ""
    assert len(name.encode()) <= 180  # the server answers 500 to 250 characters; it keeps the suffix
    assert name.endswith("ä" * min(length, 85) + ".txt")


def test_the_length_of_a_name_is_limited_after_escaping() -> None:
    (part,) = read(form(Field("f", b"", '"' * 180 + ".txt", None)))
    assert part.file_name is not None
    assert len(part.file_name) == 180
    assert part.file_name.endswith("%22.txt")


def test_a_form_without_fields_is_complete() -> None:
    body = form()
    assert (body.segments, read(body)) == ((b"--" + BOUNDARY.encode() + b"--\r\n",), [])


def test_adjacent_bytes_are_one_segment() -> None:
    file = FilePart("only the adapter knows", 5)
    body = form(Field("a", b"1", None, None), Field("b", b"2", "x", None), Field("c", file, "y", None))
    before, found, after = body.segments
    assert found is file
    assert isinstance(before, bytes)
    assert before.count(b"Content-Disposition") == 3
    assert after == b"\r\n--" + BOUNDARY.encode() + b"--\r\n"


def test_recorded_forms_are_parsed_alike() -> None:
    """The reader is no friend of our writer: it reads the recorded forms of BentoML's own client too."""
    forms = [r for r in load("calls") if ("content-type", "multipart") in [(k, v[:9]) for k, v in r.request_headers]]
    assert len(forms) > 30
    for recording in forms:
        assert parse_form(dict(recording.request_headers)["content-type"], recording.request_body)
