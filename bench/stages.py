"""The stages of a call with their durations, as the hub itself reports them in `Server-Timing`."""

import http.client
import re
from statistics import fmean

from bench.traffic import OPENAI, Server, Shape, body

METRIC = re.compile(r"\s*([!#$%&'*+.^_`|~\w-]+)[^,]*?;\s*dur=([0-9.]+)")


def sample(server: Server, model: str, calls: int) -> dict[str, float]:
    """The mean duration of each stage in milliseconds over some calls made one after another.

    Empty when the answers carry no Server-Timing.
    """
    headers = {"content-type": "application/json"}
    for header in server.headers:
        name, _, value = header.partition(": ")
        headers[name] = value
    seen: dict[str, list[float]] = {}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        for _ in range(calls):
            connection.request("POST", OPENAI, body=body(Shape(seconds=0, model=model)), headers=headers)
            answer = connection.getresponse()
            answer.read()
            for name, duration in METRIC.findall(answer.getheader("server-timing") or ""):
                seen.setdefault(name, []).append(float(duration))
    finally:
        connection.close()
    return {name: fmean(durations) for name, durations in seen.items()}
