"""Refusals as errors of HTTP, before a caller's dialect writes them."""

from domain.refusals import ProviderFailed, Refusal
from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.http.provider_errors import failure_error
from entrypoints.refusals.sentences import Sentences, Words
from entrypoints.refusals.table import record_of

_WORDS = Words()


def error_of(refusal: Refusal) -> ErrorBody:
    """The refusal as an error without a dialect."""
    if isinstance(refusal, ProviderFailed):
        return failure_error(refusal.failure, refusal.provider)
    record = record_of(refusal)
    sentences = Sentences(refusal, record, _WORDS)
    return ErrorBody(
        status=record.status,
        kind=record.kind,
        code=record.code or str(refusal.__struct_config__.tag),
        message=sentences.whole(),
        param=sentences.param(),
        facts=record.facts(refusal) if record.facts else {},
    )


def retry_after_s(refusal: Refusal) -> int | None:
    """Whole seconds for Retry-After, rounded up, where waiting helps."""
    if isinstance(refusal, ProviderFailed) and refusal.failure.retry_after_ms is not None:
        return -(-refusal.failure.retry_after_ms // 1000)
    return record_of(refusal).retry_after_s
