// Compiled by tsc as part of the type check: what is wrong here does not compile.
import {
  type Application,
  ChannelNameRouter,
  Consumer,
  type HttpScope,
  lifespan,
  nodeListener,
  path,
  ProtocolTypeRouter,
  rePath,
  URLRouter,
  WebsocketConsumer,
  type WebsocketScope,
} from "millrace";

class Chat extends WebsocketConsumer<"/ws/chat/:room/"> {}
class Member extends WebsocketConsumer<"/:room/:user/"> {}
class Files extends WebsocketConsumer<"/files/*rest"> {}
class Page extends WebsocketConsumer<"/pages{/:page}"> {}
class Echo extends WebsocketConsumer<"/x1/"> {}
class Anywhere extends WebsocketConsumer {}
class Thumbnails extends Consumer {}

declare const known: string;

export const fitting = [
  // A class fits under its own path, with or without the slash in front.
  path("/ws/chat/:room/", Chat),
  path("ws/chat/:room/", Chat),
  // It fits wherever the route captures what it reads, and more.
  path("/rooms/:room", Chat),
  path("/:room/:user/", Chat),
  path("/files/:first/*rest", Files),
  // What may be absent need not be captured.
  path("/pages", Page),
  path("/pages/:page", Page),
  // It fits where an outer route has the rest of its path.
  path("/ws/", URLRouter([path("chat/:room/", Chat), path("/chat/:room/", Chat)])),
  path("/ws/chat/:room", URLRouter([path("", Chat), path("/", Chat)])),
  path("/:room", URLRouter([path("/:user/", Member)])),
  // The route's own parameters count.
  path("/lobby/", Chat, { params: { room: "lobby" } }),
  path("/tree/", Files, { params: { rest: ["a", "b"] } }),
  // A class whose path captures nothing fits everywhere, and so does one that names none.
  path("/anything/:id", Echo),
  path("/ws/:room/", Anywhere),
  // A pattern that only the running program knows is not checked.
  path(known, Chat),
  // Applications and routers fit always.
  path("/x", Chat.asApplication()),
  path("/x", (connection) => {
    connection.scope.type satisfies string;
    return (event) => {
      event.type satisfies string;
    };
  }),
  path("/x", async () => () => {}),
  path("/x", (connection: Parameters<Application<WebsocketScope>>[0]) => {
    connection.scope.subprotocols satisfies readonly string[];
    return () => {};
  }),
  path("/x", ProtocolTypeRouter({ websocket: Chat })),
  rePath(/^x1\/$/, Chat),
  rePath(/^x1\/$/, (connection: Parameters<Application<HttpScope>>[0]) => {
    connection.scope.method satisfies string;
    return () => {};
  }),
];

export const refused = [
  // @ts-expect-error The route captures another name.
  path("/ws/chat/:rom/", Chat),
  // @ts-expect-error The route captures nothing.
  path("/ws/chat/", Chat),
  // @ts-expect-error The route captures one of two.
  path("/members/:room/", Member),
  // @ts-expect-error One segment is no list.
  path("/files/:rest", Files),
  // @ts-expect-error What may be absent does not give what the class always reads.
  path("/rooms{/:room}", Chat),
  // @ts-expect-error The class's path ends with these letters, but not at a slash.
  path("at/x/", class extends WebsocketConsumer<"/:room/chat/x/"> {}),
  // @ts-expect-error The route's own parameter has another name.
  path("/lobby/", Chat, { params: { rom: "lobby" } }),
  // @ts-expect-error A parameter is text.
  path("/lobby/", Anywhere, { params: { room: 1 } }),
  // @ts-expect-error There is no such option.
  path("/lobby/", Anywhere, { kwargs: { room: "lobby" } }),
  // @ts-expect-error A class that is no consumer is no application.
  path("/x", Date),
  // @ts-expect-error A request listener of Node has to be wrapped.
  path("/x", (_request: unknown, _response: unknown) => {}),
  // @ts-expect-error A regular expression goes to rePath.
  path(/^x1\/$/, Anywhere),
  // @ts-expect-error A pattern goes to path.
  rePath("^x1/$", Anywhere),
];

export const routers: readonly Application[] = [
  URLRouter([path("/x", Anywhere)]),
  new URLRouter([]),
  new ProtocolTypeRouter({ http: nodeListener(() => {}), lifespan: lifespan({ startup: async () => {} }) }),
  ProtocolTypeRouter({
    websocket: (connection) => {
      connection.scope.subprotocols satisfies readonly string[];
      return () => {};
    },
    channel: ChannelNameRouter({ thumbnails: Thumbnails }),
  }),
  new ChannelNameRouter({ thumbnails: Thumbnails }),
  // @ts-expect-error A class is no route.
  URLRouter([Anywhere]),
  // @ts-expect-error A list within the list is no route.
  URLRouter([[path("/x", Anywhere)]]),
  // @ts-expect-error There is no such protocol.
  ProtocolTypeRouter({ websockets: Anywhere }),
];
