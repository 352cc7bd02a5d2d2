import asyncio
import json

from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Prints what is said in a room, by whomever, a line each."

    def add_arguments(self, parser):
        parser.add_argument("room")

    def handle(self, *args, room, **options):
        asyncio.run(self.hear(f"room.{room}"))

    async def hear(self, group):
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(group, channel)
        while True:
            message = await layer.receive(channel)
            self.stdout.write(json.dumps({"name": message["name"], "text": message["text"]}))
            self.stdout.flush()
