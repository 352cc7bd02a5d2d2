import json

from channels.generic.websocket import AsyncWebsocketConsumer


class RoomConsumer(AsyncWebsocketConsumer):
    """What is moved to Millrace. While it is, some sockets may be here and some there."""

    async def connect(self):
        self.name = self.scope["session"].get("name")
        self.group = f"room.{self.scope['url_route']['kwargs']['room']}"
        if self.name is None:
            await self.close()
            return
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        message = {"type": "room.message", "name": self.name, "text": text_data}
        await self.channel_layer.group_send(self.group, message)

    async def room_message(self, event):
        await self.send(json.dumps({"name": event["name"], "text": event["text"]}))

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
