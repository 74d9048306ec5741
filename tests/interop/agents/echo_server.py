"""An unmodified A2A agent that answers with the text it got.

    echo_server.py --port PORT --public-url URL [--agent-id NAME]

Port 0 takes a free one. `--public-url` is what the card says; without it, the agent's own address. JSON-RPC is served at
`/` and at `/rpc`, REST below `/rest`, each in A2A 1.0 and 0.3. The first line on stdout is JSON: `{"ready": true, "port":
..., "url": ...}`. Each message that reaches the agent is one more line: `{"received": text, "headers": {...}}`, which is how
a test sees that a refused one did not.
"""

import argparse
import asyncio
import json
import socket

import uvicorn
from a2a.helpers import get_message_text, new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Role
from starlette.applications import Starlette


def say(**members):
    print(json.dumps(members), flush=True)


class Echo(AgentExecutor):
    """Answers a text with one message; a text that starts with `count` with a task of three artifact updates, and one that
    starts with `hold` with the same, of which all but the first wait until a text `release` comes."""

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        text = get_message_text(context.message)
        headers = context.call_context.state.get("headers", {})
        ours = {name: value for name, value in headers.items() if name.lower().startswith(("countersign", "a2a"))}
        say(received=text, headers=ours)
        if text == "release":
            self.released.set()
        if text.startswith(("count", "hold")):
            await self.count(context, event_queue, held=text.startswith("hold"))
        else:
            await event_queue.enqueue_event(new_text_message(f"echo: {text}", role=Role.ROLE_AGENT))

    async def count(self, context: RequestContext, event_queue: EventQueue, held: bool) -> None:
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        for number in range(1, 4):
            part = new_text_part(f"{number} ")
            await updater.add_artifact([part], artifact_id="numbers", append=number > 1, last_chunk=number == 3)
            # Long enough that a buffering gateway shows: all three would arrive at once.
            await asyncio.sleep(0.05)
            if held:
                await self.released.wait()
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def card(url: str, name: str) -> AgentCard:
    interfaces = [
        (binding, version, path)
        for version in ("1.0", "0.3.0")
        for binding, path in (("JSONRPC", "/rpc"), ("HTTP+JSON", "/rest"))
    ]
    return AgentCard(
        name=name,
        description="answers with the text it got",
        version="1.0.0",
        supported_interfaces=[
            AgentInterface(url=f"{url}{path}", protocol_binding=binding, protocol_version=version)
            for binding, version, path in interfaces
        ],
        capabilities=AgentCapabilities(streaming=True, extended_agent_card=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="echo", name="echo", description="answers with the text it got", tags=["echo"])],
    )


def application(agent_card: AgentCard) -> Starlette:
    handler = DefaultRequestHandler(
        agent_executor=Echo(),
        task_store=InMemoryTaskStore(),
        agent_card=agent_card,
        extended_agent_card=agent_card,
    )
    return Starlette(
        routes=[
            *create_agent_card_routes(agent_card),
            *create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=True),
            *create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True),
            *create_rest_routes(handler, enable_v0_3_compat=True, path_prefix="/rest"),
        ]
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--public-url")
    parser.add_argument("--agent-id", default="echo")
    options = parser.parse_args()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    port = listener.getsockname()[1]
    url = (options.public_url or f"http://127.0.0.1:{port}").rstrip("/")
    server = uvicorn.Server(uvicorn.Config(application(card(url, options.agent_id)), log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    say(ready=True, port=port, url=url)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
