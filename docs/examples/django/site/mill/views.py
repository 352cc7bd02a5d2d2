from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from .tickets import make_ticket


def enter(request):
    """Stands for the site's login: whoever gives a name has it for the session."""
    if request.method == "POST" and request.POST.get("name"):
        request.session["name"] = request.POST["name"]
        return redirect("/room/mill/")
    return render(request, "enter.html")


def room(request, room):
    name = request.session.get("name")
    if name is None:
        return redirect("/")
    page = {"room": room, "name": name, "sockets": settings.SOCKETS, "ticket": make_ticket(name)}
    return render(request, "room.html", page)


@require_POST
def announce(request, room):
    """Sends to all who are in the room, whichever server their sockets are on."""
    message = {"type": "room.message", "name": "Django", "text": request.POST["text"]}
    async_to_sync(get_channel_layer().group_send)(f"room.{room}", message)
    return HttpResponse(status=204)
