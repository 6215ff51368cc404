"""The parts of OpenAI's, Anthropic's and Google's APIs that the hub does not offer, and what to use instead.

A caller of one of them has the right base URL, so advice about the base URL would mislead.
"""

from domain.refusals import NotOffered

_INLINE = "Send the content inline, in the request itself."
_EACH = "Make each call by itself; they may run at the same time."
_STATELESS = "The hub keeps no answers: send the earlier turns with each request."
_OWN_LOOP = "Use POST /v1/chat/completions, /v1/responses or /v1/messages, and keep the conversation yourself."
_AT_THE_VENDOR = "Do that with the vendor's own key, at the vendor."

# By the beginning of the path under `/v1/` or `/v1beta/`; the longest match counts.
_SURFACES: dict[str, tuple[str, str]] = {
    "batches": ("batches", _EACH),
    "messages/batches": ("batches of messages", _EACH),
    "files": ("files", _INLINE),
    "uploads": ("uploads", _INLINE),
    "vector_stores": ("vector stores", "Make vectors with POST /v1/embeddings and search them yourself."),
    "assistants": ("assistants", _OWN_LOOP),
    "threads": ("threads", _OWN_LOOP),
    "conversations": ("conversations", _STATELESS),
    "responses": ("stored responses", _STATELESS),
    "chat/completions": ("stored chat completions", _STATELESS),
    "realtime": ("realtime sessions", "Use POST /v1/chat/completions with audio, or POST /v1/audio/speech."),
    "fine_tuning": ("fine-tuning", _AT_THE_VENDOR),
    "fine-tunes": ("fine-tuning", _AT_THE_VENDOR),
    "evals": ("evals", _AT_THE_VENDOR),
    "graders": ("graders", _AT_THE_VENDOR),
    "containers": ("containers", _AT_THE_VENDOR),
    "skills": ("skills", "Put what the skill says into the system prompt."),
    "agents": ("hosted agents", _OWN_LOOP),
    "sessions": ("sessions of hosted agents", _OWN_LOOP),
    "environments": ("environments of hosted agents", _OWN_LOOP),
    "videos": ("the jobs of POST /v1/videos", "Use POST /api/v2/video, which answers with the video when it is made."),
    "images/variations": ("variations of images", "Use POST /v1/images/edits with a prompt."),
    "audio/voices": ("voices of one's own", "Use POST /v1/audio/speech with a voice of the vendor."),
    "complete": ("Anthropic's legacy completions", "Use POST /v1/messages."),
    "edits": ("OpenAI's legacy edits", "Use POST /v1/chat/completions."),
    "cachedContents": (
        "cached contents",
        "Send the content with each request; vendors cache it by themselves.",
    ),
    "tunedModels": ("tuned models", _AT_THE_VENDOR),
    "corpora": ("corpora", "Make vectors with :embedContent and search them yourself."),
    "fileSearchStores": ("file search stores", "Make vectors with :embedContent and search them yourself."),
    "engines": ("OpenAI's legacy engines", "See GET /v1/models."),
    "organization": ("the administration of an organization", "Operators use the `aihub` command."),
    "organizations": ("the administration of an organization", "Operators use the `aihub` command."),
}

# The first segments of the paths, for callers that leave out `/v1`.
SURFACE_HEADS = frozenset(beginning.split("/")[0] for beginning in _SURFACES)


def surface_of(path: str) -> NotOffered | None:
    """The surface that a canonical path belongs to, None for an unknown path."""
    version, *parts = path.removeprefix("/upload").removeprefix("/").split("/")
    if version not in ("v1", "v1beta"):
        return None
    for length in range(len(parts), 0, -1):
        if (surface := _SURFACES.get("/".join(parts[:length]))) is not None:
            return NotOffered(surface=surface[0], instead=surface[1])
    return None
