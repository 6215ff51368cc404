"""The buffered function: Mangum over the ASGI application, built once per cold start.

Mangum collects the whole answer before it gives it to Lambda, so nothing streams through it: a streamed call is
answered complete, at its end. Lifespan is off because Mangum would run it at every invocation; the hub is opened by
the first request instead and stays open for as long as the function's process lives. A process that is frozen or
killed after its answer leaves nothing open: the charge was settled before the answer was sent.
"""

import asyncio
from typing import Any

from mangum import Mangum
from mangum.types import LambdaContext, LambdaEvent

from entrypoints.asgi import create_app
from entrypoints.aws_lambda.events import SWEEP, swept
from entrypoints.usecases.manage.maintenance import sweep_own

_app = create_app()


class Function(Mangum):
    """Mangum, and the scheduled sweep."""

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
        """Return the answer to one event."""
        if SWEEP.items() <= event.items():
            return asyncio.get_event_loop().run_until_complete(_sweep())
        return super().__call__(event, context)


async def _sweep() -> dict[str, Any]:
    return swept(await sweep_own(await _app.open()))


handler = Function(_app, lifespan="off")
