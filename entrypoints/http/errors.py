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


def retry_after_ms(refusal: Refusal) -> int | None:
    """Milliseconds to wait, where the hub knows them."""
    record = record_of(refusal)
    return record.retry_after_s * 1000 if record.retry_after_s is not None else record.wait_ms(refusal)


def retry_after_s(refusal: Refusal) -> int | None:
    """Whole seconds for Retry-After, rounded up, where waiting helps."""
    wait_ms = refusal.failure.retry_after_ms if isinstance(refusal, ProviderFailed) else None
    wait_ms = retry_after_ms(refusal) if wait_ms is None else wait_ms
    return None if wait_ms is None else -(-wait_ms // 1000)


def should_retry(refusal: Refusal) -> bool | None:
    """The value for x-should-retry; None where the SDKs may decide by the status."""
    if isinstance(refusal, ProviderFailed):
        return refusal.failure.should_retry
    return record_of(refusal).should_retry(refusal)
