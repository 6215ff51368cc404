"""All dialects of providers, each imported when a call first needs it: no process uses them all.

House rule: a function below for each family of dialects, and the names of its dialects next to it in the table.
"""

from collections.abc import Callable, Iterator, Mapping

from adapters.providers.dialect import ProviderDialect

_Dialects = tuple[ProviderDialect, ...]


def _openai() -> _Dialects:
    from adapters.providers.openai import OPENAI
    from adapters.providers.openai.non_chat_dialects import OTHER_ENDPOINTS

    return (OPENAI, *OTHER_ENDPOINTS)


def _openai_responses() -> _Dialects:
    from adapters.providers.openai_responses import RESPONSES

    return (RESPONSES,)


def _anthropic() -> _Dialects:
    from adapters.providers.anthropic import ANTHROPIC
    from adapters.providers.anthropic.count_tokens import ANTHROPIC_COUNT_TOKENS

    return (ANTHROPIC, ANTHROPIC_COUNT_TOKENS)


def _bedrock() -> _Dialects:
    from adapters.providers.bedrock import BEDROCK, BEDROCK_INVOKE

    return (BEDROCK, BEDROCK_INVOKE)


def _google() -> _Dialects:
    from adapters.providers.google import GOOGLE, GOOGLE_COUNTING, GOOGLE_VERTEX

    return (GOOGLE, GOOGLE_VERTEX, GOOGLE_COUNTING)


def _cohere() -> _Dialects:
    from adapters.providers.cohere import COHERE

    return (COHERE,)


def _ollama() -> _Dialects:
    from adapters.providers.ollama import OLLAMA

    return (OLLAMA,)


def _embeddings() -> _Dialects:
    from adapters.providers.embeddings import EMBEDDINGS

    return EMBEDDINGS


def _images() -> _Dialects:
    from adapters.providers.images import IMAGES

    return IMAGES


def _video() -> _Dialects:
    from adapters.providers.video import VIDEO

    return VIDEO


def _rerank() -> _Dialects:
    from adapters.providers.rerank import RERANK

    return RERANK


_FAMILIES: dict[Callable[[], _Dialects], str] = {
    _openai: "openai openai-completions openai-embeddings openai-moderations openai-images openai-image-edits "
    "openai-speech openai-speech-events openai-transcriptions openai-transcriptions-text "
    "openai-transcriptions-events openai-translations openai-translations-text",
    _openai_responses: "openai-responses",
    _anthropic: "anthropic anthropic-count-tokens",
    _bedrock: "bedrock bedrock-invoke",
    _google: "google google-vertex google-count-tokens",
    _cohere: "cohere",
    _ollama: "ollama",
    _embeddings: "bedrock-embeddings cohere-embeddings google-embeddings openai-embeddings-translated "
    "google-vertex-embeddings voyage-embeddings",
    _images: "google-images google-vertex-images ideogram-images",
    _video: "openai-video google-video google-vertex-video",
    _rerank: "bedrock-rerank cohere-rerank rerank voyage-rerank",
}


class Dialects(Mapping[str, ProviderDialect]):
    """The dialects by name. A look-up imports the family of its dialect; iteration imports nothing."""

    def __init__(self) -> None:
        self._loaders = {name: load for load, names in _FAMILIES.items() for name in names.split()}
        self._loaded: dict[str, ProviderDialect] = {}

    def __getitem__(self, name: str) -> ProviderDialect:
        found = self._loaded.get(name)
        if found is None:
            self._loaded |= {dialect.name: dialect for dialect in self._loaders[name]()}
            found = self._loaded[name]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)


DIALECTS = Dialects()
