"""The routes that call a model by a path of their own, each with the dialect of its callers.

They are a module apart, so that a process that has only these to serve loads nothing else: no router, no pages.
"""

from entrypoints.http.dialects.aigne import AIGNE_CALLER, CAMEL_CASE_CALLER
from entrypoints.http.dialects.aigne.errors import with_aignes_errors
from entrypoints.http.dialects.aigne.old_streams import with_deltas
from entrypoints.http.dialects.aigne.video import VIDEO_CALLER
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.openai_media.audio import SPEECH_CALLER, TRANSCRIPTIONS_CALLER, TRANSLATIONS_CALLER
from entrypoints.http.dialects.openai_media.completions import COMPLETIONS_CALLER
from entrypoints.http.dialects.openai_media.embeddings import EMBEDDINGS_CALLER
from entrypoints.http.dialects.openai_media.images import EDITS_CALLER, IMAGES_CALLER
from entrypoints.http.dialects.openai_media.moderations import MODERATIONS_CALLER
from entrypoints.http.dialects.openai_media.rerank import RERANK_CALLER
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER
from entrypoints.http.model_call import chat_handler
from entrypoints.http.wire import Handler
from entrypoints.usecases.call_context import CallContext

# The routes that call a model, each with the dialect of its callers.
CALLED: dict[str, CallerDialect] = {
    "/v1/chat/completions": OPENAI_CALLER,
    "/v1/responses": RESPONSES_CALLER,
    "/v1/messages": ANTHROPIC_CALLER,
    "/v1/completions": COMPLETIONS_CALLER,
    "/v1/embeddings": EMBEDDINGS_CALLER,
    "/v1/moderations": MODERATIONS_CALLER,
    "/v1/images/generations": IMAGES_CALLER,
    "/v1/images/edits": EDITS_CALLER,
    "/v1/audio/speech": SPEECH_CALLER,
    "/v1/audio/transcriptions": TRANSCRIPTIONS_CALLER,
    "/v1/audio/translations": TRANSLATIONS_CALLER,
    "/v1/rerank": RERANK_CALLER,
    "/v2/rerank": RERANK_CALLER,
}

# The routes whose calls can be quoted.
QUOTED = CALLED | {"/api/v2/video": VIDEO_CALLER}

# AIGNE Hub's routes: its own chat, OpenAI's under other names, and its older paths.
_AIGNE: dict[str, CallerDialect] = {
    "/api/v2/chat": AIGNE_CALLER,
    "/api/v2/chat/completions": CAMEL_CASE_CALLER,
    "/api/v2/completions": CAMEL_CASE_CALLER,
    "/api/v1/chat/completions": CAMEL_CASE_CALLER,
    "/api/v1/completions": CAMEL_CASE_CALLER,
    "/api/chat/completions": CAMEL_CASE_CALLER,
    "/api/v2/embeddings": with_aignes_errors(EMBEDDINGS_CALLER),
    "/api/v1/embeddings": with_aignes_errors(EMBEDDINGS_CALLER),
    "/api/v2/image/generations": with_aignes_errors(IMAGES_CALLER),
    "/api/v1/image/generations": with_aignes_errors(IMAGES_CALLER),
    "/api/images/generations": with_aignes_errors(IMAGES_CALLER),
    "/api/v1/audio/speech": with_aignes_errors(SPEECH_CALLER),
    "/api/v1/audio/transcriptions": with_aignes_errors(TRANSCRIPTIONS_CALLER),
    "/api/v2/audio/speech": with_aignes_errors(SPEECH_CALLER),
    "/api/v2/audio/transcriptions": with_aignes_errors(TRANSCRIPTIONS_CALLER),
}


def model_handlers(hub: CallContext) -> dict[str, Handler]:
    """The handler of each path to which a call of a model is posted."""
    handlers = {template: chat_handler(hub, caller) for template, caller in (CALLED | _AIGNE).items()}
    older = [template for template, caller in _AIGNE.items() if caller is CAMEL_CASE_CALLER]
    return handlers | {template: with_deltas(handlers[template]) for template in older}
