"""
The Django Channels server of the benchmarks: python3 bench/servers/channels.py PORT [LAYER_URL [OPTIONS_IN_JSON]].
`/echo` echoes; any other path is a room, whose members all get each message by a group_send.
The layer is redis+core://..., redis+pubsub://... or redis://... for pub/sub, and in memory without one.
It runs on Daphne, or on uvicorn by the option {"server": "uvicorn"}.
"""
import hashlib
import json
import sys

# Or this file would be imported in place of the package of its name.
del sys.path[0]

import django
from django.conf import settings

port, layer_url, options = (sys.argv[1:] + ["8000", "memory:", "{}"][len(sys.argv) - 1 :])[:3]


def layer_settings():
    server, _, place = layer_url.partition(":")
    if server == "memory":
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    names = {"redis+core": "core.RedisChannelLayer"}
    backend = names.get(server, "pubsub.RedisPubSubChannelLayer")
    return {"BACKEND": f"channels_redis.{backend}", "CONFIG": {"hosts": [f"redis:{place}"]}}


settings.configure(CHANNEL_LAYERS={"default": layer_settings()})
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path


class EchoConsumer(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)


class RoomConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        digest = hashlib.sha256(self.scope["path"].encode()).hexdigest()
        self.room = f"room.{digest}"
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        message = text_data if text_data is not None else bytes_data
        await self.channel_layer.group_send(self.room, {"type": "room.message", "message": message})

    async def room_message(self, event):
        message = event["message"]
        if isinstance(message, str):
            await self.send(text_data=message)
        else:
            await self.send(bytes_data=message)

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)


routes = [path("echo", EchoConsumer.as_asgi()), re_path("", RoomConsumer.as_asgi())]
application = ProtocolTypeRouter({"websocket": URLRouter(routes)})


def ready():
    print(f"Listening on http://127.0.0.1:{port}", flush=True)


def on_daphne():
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=int(port))
    Server(application, endpoints=endpoints, ready_callable=ready).run()


def on_uvicorn():
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            ready()

    Server(uvicorn.Config(application, port=int(port), log_level="warning", access_log=False)).run()


on_uvicorn() if json.loads(options).get("server") == "uvicorn" else on_daphne()
