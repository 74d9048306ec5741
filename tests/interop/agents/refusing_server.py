"""Serves the refusals of `refusals.json`, byte for byte what the node renders but for the JSON-RPC id.

    refusing_server.py --port PORT

`/{shape}/{problem}/` is an agent whose calls are all refused: `shape` is `jsonrpc`, `rest`, `rest03` or `http`. With it one sees
what an SDK shows its user of each refusal. The first line on stdout is `{"ready": true, "port": ...}`.
"""

import argparse
import asyncio
import json
import pathlib
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REFUSALS = json.loads((pathlib.Path(__file__).parent.parent / "refusals.json").read_text())
CASES = {(case["shape"], case["problem"]): case for case in REFUSALS}


def card(request: Request) -> Response:
    shape, problem = request.path_params["shape"], request.path_params["problem"]
    url = f"http://127.0.0.1:{request.url.port}/{shape}/{problem}"
    rest = shape.startswith("rest")
    interfaces = [
        {"url": url, "protocolBinding": "HTTP+JSON" if rest else "JSONRPC", "protocolVersion": version}
        for version in (["0.3.0"] if shape == "rest03" else ["1.0", "0.3.0"])
    ]
    return JSONResponse(
        {
            "name": "refusing",
            "description": "refuses every call",
            "version": "1.0.0",
            "supportedInterfaces": interfaces,
            "capabilities": {"streaming": True},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [{"id": "none", "name": "none", "description": "nothing", "tags": ["none"]}],
        }
    )


async def refuse(request: Request) -> Response:
    case = CASES[request.path_params["shape"], request.path_params["problem"]]
    document = case["body"]
    if case["shape"] == "jsonrpc":
        document = {**document, "id": (await request.json()).get("id")}
    body = json.dumps(document, separators=(",", ":"), sort_keys=True)
    return Response(body, status_code=case["status"], media_type=case["content_type"])


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port))
    application = Starlette(
        routes=[
            Route("/{shape}/{problem}/.well-known/agent-card.json", card),
            Route("/{shape}/{problem}{rest:path}", refuse, methods=["GET", "POST"]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    print(json.dumps({"ready": True, "port": listener.getsockname()[1]}), flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
