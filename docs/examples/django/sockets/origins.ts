import { type Application, type ApplicationLike, toApplication, wraps } from "millrace";

/** Lets in sockets of pages of these hosts alone, as Channels' AllowedHostsOriginValidator does. */
export function allowedOrigins(hosts: readonly string[], inner: ApplicationLike): Application {
  const application = toApplication(inner);
  return wraps(application, (connection) => {
    const { scope } = connection;
    if (scope.type !== "websocket") return application(connection);
    const origin = scope.headers.origin ?? "";
    if (URL.canParse(origin) && hosts.includes(new URL(origin).hostname)) return application(connection);
    return (event) => {
      if (event.type === "websocket.connect") connection.send({ type: "websocket.deny", status: 403 });
    };
  });
}
