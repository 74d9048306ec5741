"""An unmodified A2A client: fetches the card below a base URL and sends one text.

    caller.py BASE_URL TEXT [--stream] [--binding JSONRPC|HTTP+JSON] [--version 1.0|0.3] [--amount N]
              [--extended-card]

Prints JSON lines. First `{"card": {...}}` with the interface URLs that the client found; then one `{"result": ...}` per
answer or event, with the seconds since the call in `at`. A refusal prints `{"error": {"class", "message", "code", "data"}}`, where
`code` and `data` are what the SDK kept of it. Exit status 0, or 1 after an error.
"""

import argparse
import asyncio
import json
import sys
import time
import uuid

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types.a2a_pb2 import GetExtendedAgentCardRequest, Message, Part, Role, SendMessageRequest
from a2a.utils.errors import JSON_RPC_ERROR_CODE_MAP
from google.protobuf.json_format import MessageToDict


def say(**members):
    print(json.dumps(members, sort_keys=True), flush=True)


def interfaces(card):
    return [
        {"url": entry.url, "binding": entry.protocol_binding, "version": entry.protocol_version}
        for entry in card.supported_interfaces
    ]


async def call(options) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        card = await A2ACardResolver(http, options.base_url).get_agent_card()
        say(card={"name": card.name, "interfaces": interfaces(card)})
        chosen = [
            entry
            for entry in card.supported_interfaces
            if entry.protocol_binding == options.binding and entry.protocol_version.startswith(options.version)
        ]
        if not chosen:
            raise LookupError(f"the card has no interface {options.binding} {options.version}")
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(chosen)
        config = ClientConfig(
            httpx_client=http, streaming=options.stream, supported_protocol_bindings=[options.binding]
        )
        client = ClientFactory(config).create(card)
        if options.extended_card:
            extended = await client.get_extended_agent_card(GetExtendedAgentCardRequest())
            say(extended_card={"name": extended.name, "interfaces": interfaces(extended)})
        message = Message(role=Role.ROLE_USER, message_id=str(uuid.uuid4()), parts=[Part(text=options.text)])
        if options.amount is not None:
            message.metadata["amount"] = options.amount
        started = time.monotonic()
        async for event in client.send_message(SendMessageRequest(message=message)):
            say(result=MessageToDict(event), at=round(time.monotonic() - started, 3))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base_url")
    parser.add_argument("text")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--binding", default="JSONRPC", choices=["JSONRPC", "HTTP+JSON"])
    parser.add_argument("--version", default="1.0", choices=["1.0", "0.3"])
    parser.add_argument("--amount", type=int, help="goes into the message's metadata")
    parser.add_argument("--extended-card", action="store_true")
    options = parser.parse_args()
    try:
        asyncio.run(call(options))
    except Exception as error:  # whatever the SDK raises is the finding
        say(
            error={
                "class": type(error).__name__,
                "message": str(error),
                "code": JSON_RPC_ERROR_CODE_MAP.get(type(error)),
                "data": getattr(error, "data", None),
            }
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
