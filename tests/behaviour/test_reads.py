from tests.behaviour.calls import ask, openai_body, CHAT, MESSAGES, anthropic_body
from tests.support.hub import HubProcess
from tests.behaviour.stub import Stub


def test_x(hub: HubProcess, stub: Stub) -> None:
    for p, b in (
        (CHAT, openai_body()),
        (CHAT, openai_body(stream=True)),
        (MESSAGES, anthropic_body()),
        (MESSAGES, anthropic_body(stream=True)),
        (CHAT, openai_body("ant/m", stream=True)),
        (MESSAGES, anthropic_body("oai/m", stream=True)),
        (CHAT, openai_body("ant/m")),
        (MESSAGES, anthropic_body("oai/m")),
    ):
        h = ask(hub, p, b)
        print(h.status, h.headers, h.body.decode())
    print(ask(hub, "/v1/models"))
    print(ask(hub, "/nope"))
    print(ask(hub, "/v1/models", method="HEAD"))
    print(ask(hub, "/v1/models", method="OPTIONS"))
    print(ask(hub, CHAT, method="PATCH"))
