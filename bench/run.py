"""The runs, in order, and the rows of each."""

from collections.abc import Callable
from dataclasses import replace

from bench import coldstart, cpu_and_memory, stages
from bench.hub import HubError
from bench.session import FAST, SLOW, Session, progress
from bench.table import Row, Target, written
from bench.traffic import ANTHROPIC, CONNECTIONS, STREAM_EVENTS, STREAM_RATE, Measured, Server

SLOW_MS = 50
PACE = 200
TWO_WORKERS_CPUS = 4

ADDED_P50 = Target(limit=2)
ADDED_P99 = Target(limit=8)
CPU_PER_EVENT = Target(limit=60)
RSS = Target(limit=120)
IMPORT = Target(limit=300)
FUNCTION = Target(limit=250)
CROSSWISE = Target(limit=1.5)
TWO_WORKERS = Target(limit=1.7, at_least=True)


def everything(session: Session) -> None:
    """Make every run; one that the hub cannot do is noted as trouble, and the others go on."""
    for run in RUNS:
        try:
            run(session)
        except (HubError, TimeoutError) as error:
            topic = (run.__doc__ or run.__name__).partition(":")[0]
            session.traffic.trouble.append(f"{topic}: {error}")
            session.add(Row(measure=topic, note="failed: see below"))


def stub_alone(session: Session) -> None:
    """Stub, called directly: the yardstick of this machine at this hour."""
    session.traffic.measure("stub, warming up", session.fast, replace(session.shape(), seconds=0.5))
    session.direct = session.whole("stub, called directly", session.fast)


def billed(session: Session) -> None:
    """Hub, billed: as it is meant to run, every call held, metered, priced and settled."""
    with session.hub("hub, billed") as (_, server):
        passed = session.whole("hub, billed", server, judged=True)
        memory(session, server)
        paced(session, server)
        relayed = streams(session, server)
        crosswise(session, server, passed, relayed)
        shares(session, server)


def memory(session: Session, server: Server) -> None:
    """The hub's memory just after load."""
    held = cpu_and_memory.memory(server.pid)
    session.add(Row(measure="  RSS of all processes", figure=held.rss_mb, unit="MB", target=RSS))
    session.add(Row(measure="  PSS of all processes", figure=held.pss_mb, unit="MB"))
    session.add(Row(measure="  RSS of the largest (the worker)", figure=held.worker_rss_mb, unit="MB"))


def paced(session: Session, server: Server) -> None:
    """The latency that the hub adds where the provider takes its time and the load is moderate."""
    progress(f"{PACE} req/s over a provider of {SLOW_MS} ms: directly, then through the hub")
    shape = session.shape(SLOW, rate=PACE)
    direct = session.traffic.measure("slow stub, paced", session.slow, shape)
    through = session.traffic.measure("hub, paced", server, shape)
    for quantile, ours, theirs, target in (
        ("p50", through.latency_p50 / 1e3, direct.latency_p50 / 1e3, ADDED_P50),
        ("p99", through.latency_p99 / 1e3, direct.latency_p99 / 1e3, ADDED_P99),
    ):
        session.add(
            Row(
                measure=f"hub, billed: {PACE} req/s over {SLOW_MS} ms, added {quantile}",
                figure=ours - theirs,
                unit="ms",
                target=target,
                note=f"{ours:.2f} ms, directly {theirs:.2f} ms",
            )
        )


def streams(session: Session, server: Server) -> Measured:
    """Paced streams through the hub, against the same streams taken directly; the hub's figures."""
    progress(f"{CONNECTIONS} streams of {STREAM_RATE} events/s: directly, then through the hub")
    direct = session.traffic.measure("stub, streams", session.fast, session.shape(stream=True))
    through = session.traffic.measure("hub, streams", server, session.shape(stream=True))
    share = f"{through.events_per_s / direct.events_per_s:.1%}" if direct.events_per_s else ""
    session.add(
        Row(
            measure=f"hub, billed: {CONNECTIONS} streams of {STREAM_EVENTS} events at {STREAM_RATE}/s",
            figure=through.events_per_s,
            unit="events/s",
            to_stub=share,
            note=f"directly {direct.events_per_s:,.0f}",
        )
    )
    ratio = f"{written(through.cpu_us / direct.cpu_us)} x" if direct.cpu_us else ""
    session.add(Row(measure="  CPU", figure=through.cpu_us, unit="µs/event", to_stub=ratio, target=CPU_PER_EVENT))
    for measure, p50, p99, direct_p50, direct_p99 in (
        (
            "to the first byte",
            through.first_byte_p50,
            through.first_byte_p99,
            direct.first_byte_p50,
            direct.first_byte_p99,
        ),
        ("each event under way", through.lag_p50, through.lag_p99, direct.lag_p50, direct.lag_p99),
    ):
        note = f"p99 {p99 / 1e3:.2f} ms; directly {direct_p50 / 1e3:.2f}, p99 {direct_p99 / 1e3:.2f} ms"
        session.add(Row(measure=f"  {measure}, p50", figure=p50 / 1e3, unit="ms", note=note))
    return through


def crosswise(session: Session, server: Server, passed: Measured, relayed: Measured) -> None:
    """The cost of translation: Anthropic's dialect to a provider of OpenAI's dialect, against passing through."""
    progress("the same calls across dialects")
    whole = session.traffic.measure("hub, crosswise", server, replace(session.shape(), path=ANTHROPIC))
    streamed = replace(session.shape(stream=True), path=ANTHROPIC)
    stream = session.traffic.measure("hub, crosswise, streams", server, streamed)
    for measure, unit, ours, through in (
        ("whole answers", "request", whole.cpu_us, passed.cpu_us),
        ("streams", "event", stream.cpu_us, relayed.cpu_us),
    ):
        session.add(
            Row(
                measure=f"hub, billed: CPU across dialects against passing through, {measure}",
                figure=ours / through if through else None,
                unit="x",
                target=CROSSWISE,
                note=f"{ours:.0f} against {through:.0f} µs/{unit}",
            )
        )


def shares(session: Session, server: Server) -> None:
    """The stages of a call, without other load, as the hub itself reports them."""
    progress("the stages of a call")
    durations = stages.sample(server, f"{FAST}/bench", session.effort.stage_calls)
    if not durations:
        session.add(Row(measure="stages of a call", note="the answers carry no Server-Timing"))
    for name, milliseconds in durations.items():
        session.add(Row(measure=f"  stage of a single call: {name}", figure=milliseconds * 1e3, unit="µs"))


def unbilled(session: Session) -> None:
    """Hub, billing off: the difference is the cost of holding and settling credit."""
    with session.hub("hub, billing off", billing=False) as (_, server):
        session.whole("hub, billing off", server)


def over_wsgi(session: Session) -> None:
    """Hub, billed, over WSGI: the same routes behind the other interface."""
    with session.hub("hub, billed, WSGI", interface="wsgi") as (_, server):
        session.whole("hub, billed, WSGI", server)


def cold_start(session: Session) -> None:
    """Cold start: the time of a fresh process before it can answer."""
    with session.hub("hub, started anew") as (hub, _):
        pass
    rounds = session.effort.cold_starts
    progress(f"starting anew, {rounds} times")
    measured = coldstart.measure(hub, rounds)
    session.add(
        Row(
            measure=f"import to ready: {coldstart.IMPORT}",
            figure=measured.import_ms - measured.bare_ms,
            unit="ms",
            target=IMPORT,
            note=f"over a bare interpreter's {measured.bare_ms:.0f} ms; median of {rounds}",
        )
    )
    session.add(
        Row(
            measure="  aihub serve to the first 200 on /readyz",
            figure=measured.ready_ms,
            unit="ms",
            note=f"interpreters and server included; median of {rounds}",
        )
    )
    session.add(
        Row(
            measure="  a Lambda function's process to the first chunk of a streamed answer",
            figure=measured.function_ms,
            unit="ms",
            target=FUNCTION,
            note=f"the interpreter included; median of {rounds}" if measured.function_ms else "no function streams",
        )
    )


def two_workers(session: Session) -> None:
    """Two workers against one: both with the same two CPUs to run on."""
    available = session.placement.available
    measure = "hub, billed: two workers against one"
    if len(available) < TWO_WORKERS_CPUS:
        cores = f"{len(available)} core{'s' if len(available) > 1 else ''}"
        session.add(Row(measure=measure, target=TWO_WORKERS, note=f"{cores}, it takes {TWO_WORKERS_CPUS}"))
        return
    rps: dict[int, float] = {}
    for workers in (1, 2):
        name = f"hub, billed, {workers} of 2 workers"
        with session.hub(name, cpus=frozenset(available[:2]), workers=workers) as (_, server):
            # The load generator gets a CPU to itself: two workers can outrun a shared one.
            measured = session.traffic.measure(name, server, session.shape(), cpus=available[-2:-1])
            rps[workers] = measured.rps
    figure = rps[2] / rps[1] if rps[1] else None
    note = f"{rps[2]:,.0f} against {rps[1]:,.0f} req/s"
    session.add(Row(measure=measure, figure=figure, unit="x", target=TWO_WORKERS, note=note))


RUNS: tuple[Callable[[Session], None], ...] = (
    stub_alone,
    billed,
    unbilled,
    over_wsgi,
    cold_start,
    two_workers,
)
