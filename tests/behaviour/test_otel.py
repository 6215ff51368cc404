"""Traces and metrics reach an OTLP receiver, and traces go on from the caller to the provider."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import failing
from tests.support.hub import HubProcess, Interface, running_hub

pytest.importorskip("opentelemetry.sdk", reason="aihub[otel] is not installed")
trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
metrics_service = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
SECRET = "sk-provider-secret-1234"


class Collector:
    """An OTLP/HTTP receiver: keeps the spans and the metrics that were sent to it."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.path, self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for resource in trace_service.ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services.add(attributes(resource.resource)["service.name"])
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        else:
            assert path == "/v1/metrics"
            for resource in metrics_service.ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {one.name: one for scope in resource.scope_metrics for one in scope.metrics}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


def attributes(of: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


def hub_for(tmp_path: Path, collector: Collector, interface: Interface = "asgi", **env: str) -> Any:
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "AIHUB_MAX_RETRIES": "1", **env}
    return running_hub(tmp_path / "data", interface, env=more)


def prepare(hub: HubProcess, stub: Stub) -> None:
    stub.knows("oai", SECRET)
    hub.add_provider("oai", stub.url("oai"))
    hub.cli("credit", "grant", "owner", "10")


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_a_call_continues_its_callers_trace_to_the_provider(
    tmp_path: Path, stub: Stub, collector: Collector, interface: Interface
) -> None:
    with hub_for(tmp_path, collector, interface) as hub:
        prepare(hub, stub)
        received = ask(hub, CHAT, openai_body("oai/m", stream=True), headers=CALLER)
        (sent,) = stub.requests
        assert 200 == received.status

    spans = {span.parent_span_id.hex(): span for span in collector.spans}
    call = spans[PARENT]
    attempt = spans[call.span_id.hex()]
    assert ("chat oai/m", "chat oai/m") == (call.name, attempt.name)
    assert {TRACE} == {span.trace_id.hex() for span in collector.spans}
    assert f"00-{TRACE}-{attempt.span_id.hex()}-01" == sent.headers["traceparent"]
    assert "vendor=1" == sent.headers["tracestate"]
    of_call, of_attempt = attributes(call), attributes(attempt)
    assert (received.header("x-request-id"), "completed") == (of_call["aihub.request_id"], of_call["aihub.ending"])
    assert of_call["aihub.charge_nanos"] > 0
    assert ("chat", "oai", "m") == tuple(
        of_attempt[f"gen_ai.{name}"] for name in ("operation.name", "provider.name", "request.model")
    )
    assert of_attempt["gen_ai.usage.input_tokens"] > 0
    assert "gen_ai.system" not in of_attempt
    assert call.start_time_unix_nano <= attempt.start_time_unix_nano <= attempt.end_time_unix_nano
    assert {"aihub"} == collector.services
    assert not [word for word in (hub.key, SECRET, "Hello") if word in str(collector.spans)]


def test_metrics_have_durations_and_tokens(tmp_path: Path, stub: Stub, collector: Collector) -> None:
    with hub_for(tmp_path, collector, OTEL_SERVICE_NAME="billing-hub") as hub:
        prepare(hub, stub)
        ask(hub, CHAT, openai_body("oai/m", stream=True))
        ask(hub, CHAT, openai_body("oai/m"))

    (durations,) = collector.metrics["gen_ai.client.operation.duration"].histogram.data_points
    assert (2, "oai") == (durations.count, attributes(durations)["gen_ai.provider.name"])
    tokens = collector.metrics["gen_ai.client.token.usage"].histogram.data_points
    assert {"input", "output"} == {attributes(one)["gen_ai.token.type"] for one in tokens}
    (first,) = collector.metrics["gen_ai.client.operation.time_to_first_chunk"].histogram.data_points
    assert 1 == first.count
    assert {"billing-hub"} == collector.services


def test_each_attempt_is_a_span_and_one_that_failed_has_a_reason(
    tmp_path: Path, stub: Stub, collector: Collector
) -> None:
    with hub_for(tmp_path, collector, OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai/dup") as hub:
        prepare(hub, stub)
        stub.will(failing(500))
        assert 200 == ask(hub, CHAT, openai_body("oai/m")).status
        sent = [request.headers["traceparent"] for request in stub.requests]

    call = next(span for span in collector.spans if not span.parent_span_id)
    attempts = sorted(
        (span for span in collector.spans if span.parent_span_id), key=lambda span: span.start_time_unix_nano
    )
    assert [f"00-{call.trace_id.hex()}-{span.span_id.hex()}-01" for span in attempts] == [
        header[:-2] + "01" for header in sent
    ]
    assert ["unavailable", None] == [attributes(span).get("error.type") for span in attempts]
    assert ["oai", "oai"] == [attributes(span)["gen_ai.system"] for span in attempts]


def test_a_trace_that_its_caller_does_not_sample_is_continued_and_not_exported(
    tmp_path: Path, stub: Stub, collector: Collector
) -> None:
    with hub_for(tmp_path, collector) as hub:
        prepare(hub, stub)
        ask(hub, CHAT, openai_body("oai/m"), headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
        (sent,) = stub.requests

    assert [] == collector.spans
    assert (f"00-{TRACE}-", "-00") == (sent.headers["traceparent"][:36], sent.headers["traceparent"][-3:])


def test_without_an_endpoint_nothing_is_sent_on(tmp_path: Path, stub: Stub) -> None:
    with running_hub(tmp_path / "data") as hub:
        prepare(hub, stub)
        ask(hub, CHAT, openai_body("oai/m"), headers=CALLER)

    assert "traceparent" not in stub.only.headers
