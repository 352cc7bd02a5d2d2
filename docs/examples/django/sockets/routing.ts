import { ProtocolTypeRouter, rePath, URLRouter } from "millrace";
import { RoomConsumer } from "./consumers/room.ts";
import { allowedOrigins } from "./origins.ts";

// The pattern of Django's own route.
const sockets = URLRouter([rePath(/^ws\/room\/(?<room>[-\w]+)\/$/, RoomConsumer)]);

export const application = ProtocolTypeRouter({
  websocket: allowedOrigins(["localhost", "127.0.0.1"], sockets),
});
