"""Files that are sent as they are made: no reply is kept, so there is no limit to their number."""

from collections.abc import AsyncIterator

import msgspec

from entrypoints.http.wire import Reply, Request
from entrypoints.usecases.line_formats import MEDIA_TYPES, LineFormat, in_parts, lines_in


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Replies of one type that become the lines of a file, which is named after their noun."""

    replies: AsyncIterator[msgspec.Struct]
    kind: type[msgspec.Struct]
    form: LineFormat
    noun: str

    def reply(self, request: Request) -> Reply:
        """The file as an attachment. If the books fail meanwhile, the connection breaks and the file is not whole."""
        head, line_of = lines_in(self.form, self.kind)

        async def lines() -> AsyncIterator[str]:
            async for one in self.replies:
                yield line_of(one)

        return file_reply(request, in_parts(lines(), head), MEDIA_TYPES[self.form], f"{self.noun}s.{self.form}")


def file_reply(request: Request, parts: AsyncIterator[bytes], media_type: str, name: str) -> Reply:
    """A file that is sent part by part, until the caller hangs up; no cache keeps it."""
    request.watch()
    headers = (
        ("content-type", media_type),
        ("content-disposition", f'attachment; filename="{name}"'),
        ("cache-control", "no-store"),
        ("x-request-id", request.id),
    )
    return Reply(status=200, headers=headers, body=parts)
