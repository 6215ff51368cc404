"""The dialect of an answer that belongs to no dialect's own route: the server's errors, and shared routes."""

from entrypoints.http.dialects.aigne.management_errors import MANAGEMENT_CALLER, is_management
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.google import GOOGLE_CALLER, is_googles_path
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.wire import Request


def dialect_of(request: Request) -> CallerDialect:
    """The caller's dialect where the path is shared: Anthropic's SDK names its version in every request."""
    if is_googles_path(request.path):
        return GOOGLE_CALLER
    if is_management(request.method, request.path):
        return MANAGEMENT_CALLER
    anthropic = "anthropic-version" in request.headers or request.path.startswith("/v1/messages")
    return ANTHROPIC_CALLER if anthropic else OPENAI_CALLER
