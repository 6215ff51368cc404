"""The hub as an AWS Lambda function, in one of two ways that the template's parameter chooses.

    streaming    our own client of Lambda's Runtime API: the bytes of an answer leave as the provider sends them
    buffered     Mangum over the ASGI application, called by Lambda's own runtime: each answer leaves complete

The other modules:

    events       what Lambda invokes the function with: an HTTP request, or the scheduled sweep
    runtime_api  the Runtime API over one connection
    response     one streamed response: ASGI's messages in, chunks out
    upkeep       the regular sweep, only while an invocation runs, since Lambda freezes the process between them
    logs         log lines in Lambda's format

`bootstrap` is the script that starts `streaming`; AWS_LAMBDA_EXEC_WRAPPER names it.
"""
