"""The hub as an AWS Lambda function: Mangum over the ASGI application, built once per cold start.

Mangum collects the whole answer before it gives it to Lambda, so nothing streams through it: a streamed call is
answered complete, at its end. Lifespan is off because Mangum would run it at every invocation; the hub is opened by
the first request instead and stays open for as long as the function's process lives. A process that is frozen or
killed after its answer leaves nothing open: the charge was settled before the answer was sent.
"""

from mangum import Mangum

from entrypoints.asgi import create_app

handler = Mangum(create_app(), lifespan="off")
