"""Traces and metrics for OpenTelemetry, by its official SDK, over OTLP/HTTP.

A call is a span of the server with a child span for each attempt at a provider. Spans are made when a call has ended,
with ids that were drawn before: an attempt carries its own id to the provider. Names are those of
https://github.com/open-telemetry/semantic-conventions-genai (v0.1); `gen_ai/dup` in OTEL_SEMCONV_STABILITY_OPT_IN adds
the name that v1.36 had for the provider. All else is configured by the SDK's own variables.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.telemetry.otel_names import call_attributes, genai_attributes, genai_operation, metric_attributes, tokens
from ports.telemetry import CallEvent, Headers

_CLOSE_MS = 3_000
_SECONDS = tuple(0.01 * 2**power for power in range(14))
_TOKENS = tuple(4**power for power in range(14))


class OtelCallTrace:
    """One call in a trace. `attempts` are the span ids of its attempts, each with its start in ns."""

    __slots__ = ("attempts", "began_ns", "context", "ids", "parent")

    def __init__(self, parent: Any, context: SpanContext, ids: RandomIdGenerator) -> None:
        self.began_ns = time.time_ns()
        self.parent = parent
        self.context = context
        self.ids = ids
        self.attempts: list[tuple[int, int]] = []

    def attempt_headers(self) -> Headers:
        """The trace context for the next attempt, which begins now."""
        span_id, context = self.ids.generate_span_id(), self.context
        self.attempts.append((span_id, time.time_ns()))
        parent = f"00-{context.trace_id:032x}-{span_id:016x}-{int(context.trace_flags):02x}"
        state = context.trace_state.to_header()
        return (("traceparent", parent), ("tracestate", state)) if state else (("traceparent", parent),)


class OtelTelemetry:
    """Continues the traces of callers, and exports each call that ends. `close` sends what is left."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._ids, self._given = RandomIdGenerator(), _GivenIds()
        self._propagator = TraceContextTextMapPropagator()
        self._repeats_old = "gen_ai/dup" in environment.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").split(",")
        resource = _resource(environment)
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=self._given)
        if environment.get("OTEL_TRACES_EXPORTER", "otlp") != "none":
            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        exports_metrics = environment.get("OTEL_METRICS_EXPORTER", "otlp") != "none"
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if exports_metrics else []
        self._metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._tracer, meter = self._traces.get_tracer("aihub"), self._metrics.get_meter("aihub")
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._first_chunks = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk", "s", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=_TOKENS
        )

    def begin(self, traceparent: str | None, tracestate: str | None) -> OtelCallTrace:
        """A call that begins now: in the trace of its caller, where it has one, else in a new trace."""
        carried = {"traceparent": traceparent or "", "tracestate": tracestate or ""}
        parent = self._propagator.extract(carried) if traceparent else set_span_in_context(NonRecordingSpan(_NOWHERE))
        caller = get_current_span(parent).get_span_context()
        trace_id = caller.trace_id if caller.is_valid else self._ids.generate_trace_id()
        sampled = self._traces.sampler.should_sample(parent, trace_id, "call", SpanKind.SERVER)
        flags = TraceFlags(TraceFlags.SAMPLED if sampled.decision.is_sampled() else TraceFlags.DEFAULT)
        state = sampled.trace_state or caller.trace_state
        context = SpanContext(trace_id, self._ids.generate_span_id(), False, flags, state)
        return OtelCallTrace(parent, context, self._ids)

    def call_ended(self, event: CallEvent) -> None:
        """Export the call's spans, if its trace is sampled, and count it."""
        if isinstance(event.trace, OtelCallTrace) and event.trace.context.trace_flags.sampled:
            self._export(event, event.trace)
        attributes = metric_attributes(event)
        self._durations.record(event.timings.ended_us / 1e6, attributes)
        if event.stream and event.timings.first_chunk_us is not None:
            self._first_chunks.record(event.timings.first_chunk_us / 1e6, attributes)
        if event.usage is not None:
            for side, count in tokens(event.usage).items():
                self._tokens.record(count, {**attributes, "gen_ai.token.type": side})

    def close(self) -> None:
        """Send what is left, within some seconds. It blocks, so call it in a thread."""
        self._traces.shutdown()
        self._metrics.shutdown(timeout_millis=_CLOSE_MS)

    def _export(self, event: CallEvent, trace: OtelCallTrace) -> None:
        ended_ns = trace.began_ns + event.timings.ended_us * 1_000
        self._given.span_id, self._given.trace_id = trace.context.span_id, trace.context.trace_id
        name = f"{genai_operation(event.operation)} {event.model}"
        call = self._tracer.start_span(
            name, trace.parent, SpanKind.SERVER, call_attributes(event), start_time=trace.began_ns
        )
        if event.ending in ("provider_failed", "timed_out"):
            call.set_status(Status(StatusCode.ERROR, event.ending))
        within = set_span_in_context(call)
        for (span_id, began_ns), record in zip(trace.attempts, event.attempts, strict=False):
            self._given.span_id = span_id
            attributes = genai_attributes(event, record, self._repeats_old)
            span = self._tracer.start_span(name, within, SpanKind.CLIENT, attributes, start_time=began_ns)
            answered = record.outcome == "answered"
            if not answered:
                span.set_status(Status(StatusCode.ERROR, record.outcome))
            span.end(ended_ns if answered else began_ns + record.duration_ms * 1_000_000)
        call.end(ended_ns)


class _GivenIds(IdGenerator):
    """Returns the ids that were set before. Spans are made on the event loop alone, one after another."""

    def __init__(self) -> None:
        self.span_id = self.trace_id = 0

    def generate_span_id(self) -> int:
        return self.span_id

    def generate_trace_id(self) -> int:
        return self.trace_id


_NOWHERE = SpanContext(0, 0, is_remote=False)


def _resource(environment: Mapping[str, str]) -> Resource:
    """The SDK's own resource. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES name the service, else it is aihub."""
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({"process.pid": os.getpid(), **({} if named else {"service.name": "aihub"})})
