"""Reading a form with files: the places of its parts, of which only short ones are copied.

House rule: hub and provider must read a form in the same way, else a caller could show three images to the one and ten
to the other. So the reading is strict (RFC 7578 and RFC 2046 with CRLF line ends), and ambiguous forms are refused: a
field that is given twice, a name in another spelling, a boundary inside a part.
"""

import re

import msgspec

from domain.model_api.call import Form
from domain.refusals import BadRequest

PARTS_MAX = 256
_HEAD_BYTES_MAX = 8_192
_TEXT_BYTES_MAX = 1_048_576

_TYPE = re.compile(
    r'multipart/form-data\s*;\s*(?:charset=[\w-]+;\s*)?boundary=("?)([0-9A-Za-z\'()+_,./:=?-]{1,70})\1', re.I
)
_DISPOSITION = re.compile(
    r'form-data; ?name="([^"\\\r\n]*)"(?:; ?filename="((?:[^"\\\r\n]|\\.)*)")?(?:; ?filename\*=[^;\r\n]*)?', re.I
)


class Part(msgspec.Struct, frozen=True):
    """One part: its name, its file's name (None for a field), and where its bytes are."""

    name: str
    filename: str | None
    start: int
    end: int


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A form: the fields that are texts, the files, and the form to send on."""

    texts: dict[str, list[str]]
    files: tuple[Part, ...]
    form: Form

    def text(self, name: str) -> str | None:
        """The one value of a field, None where it is not given."""
        values = self.texts.get(name)
        return values[0] if values else None

    def fields(self) -> dict[str, msgspec.Raw]:
        """The texts in the shape of a JSON body."""
        return {name: msgspec.Raw(msgspec.json.encode(values[0])) for name, values in self.texts.items()}

    @property
    def text_bytes(self) -> int:
        """The size of all texts."""
        return sum(len(value.encode()) for values in self.texts.values() for value in values)


def read_form(body: bytes, content_type: str) -> Read | BadRequest:
    """The parts of a form, or the problem with it."""
    typed = _TYPE.fullmatch(content_type.strip())
    if typed is None:
        return _wrong(None, "Send the request as multipart/form-data with a boundary of 1 to 70 plain characters.")
    boundary = typed[2].encode()
    parts = _parts(body, boundary)
    if isinstance(parts, BadRequest):
        return parts
    texts: dict[str, list[str]] = {}
    for part in parts:
        if part.filename is not None:
            continue
        if part.end - part.start > _TEXT_BYTES_MAX:
            return _wrong(part.name, f"The field is longer than {_TEXT_BYTES_MAX} bytes. Send files with a file name.")
        try:
            text = body[part.start : part.end].decode()
        except UnicodeDecodeError:
            return _wrong(part.name, "The field is not UTF-8. Send text encoded as UTF-8.")
        if part.name in texts and not part.name.endswith("[]"):
            return _wrong(part.name, "The field is given more than once. Send it once.")
        texts.setdefault(part.name, []).append(text)
    named = next((part for part in parts if part.name == "model" and part.filename is None), None)
    if named is None or not texts["model"][0].strip() or len(texts["model"][0]) > 1024:
        return _wrong("model", "The field is missing. Send the name of a model, as GET /v1/models lists them.")
    form = Form(
        content_type=content_type.strip(), boundary=boundary, body=body, model_start=named.start, model_end=named.end
    )
    return Read(texts=texts, files=tuple(part for part in parts if part.filename is not None), form=form)


def _parts(body: bytes, boundary: bytes) -> list[Part] | BadRequest:
    mark = b"--" + boundary
    if not body.startswith(mark + b"\r\n"):
        return _wrong(None, "The form does not begin with its boundary. Send the one that the content type names.")
    parts: list[Part] = []
    at = len(mark) + 2
    while True:
        head_end = body.find(b"\r\n\r\n", at, at + _HEAD_BYTES_MAX)
        end = body.find(b"\r\n" + mark, head_end + 4) if head_end >= 0 else -1
        if end < 0:
            return _wrong(None, "The form is cut off, or a part has no headers. Send it whole.")
        part = _part(body[at:head_end], head_end + 4, end)
        if isinstance(part, BadRequest):
            return part
        parts.append(part)
        if len(parts) > PARTS_MAX:
            return _wrong(None, f"The form has more than {PARTS_MAX} parts. Send fewer.")
        at = end + 2 + len(mark)
        if body[at : at + 2] == b"--":
            if body[at + 2 :].strip(b"\r\n"):
                return _wrong(None, "Something follows the end of the form. Leave it out.")
            break
        if body[at : at + 2] != b"\r\n":
            return _wrong(None, "The boundary stands inside a part. Choose another boundary.")
        at += 2
    if body.count(mark) != len(parts) + 1:
        return _wrong(None, "The boundary stands inside a part. Choose another boundary.")
    return parts


def _part(head: bytes, start: int, end: int) -> Part | BadRequest:
    named: re.Match[str] | None = None
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            if named is not None:
                return _wrong(None, "A part has two content dispositions. Send one.")
            named = _DISPOSITION.fullmatch(value.strip())
            if named is None:
                break
        elif name.strip().lower() == "content-transfer-encoding" and value.strip().lower() not in (
            "binary",
            "8bit",
            "7bit",
        ):
            return _wrong(None, "A part has a transfer encoding. Send its bytes as they are.")
    if named is None:
        return _wrong(None, 'A part has no plain content disposition. Send `form-data; name="…"`.')
    return Part(named[1], named[2], start, end)


def _wrong(field: str | None, problem: str) -> BadRequest:
    return BadRequest(field=field, problem=problem)
