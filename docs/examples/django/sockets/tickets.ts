import { createHmac, timingSafeEqual } from "node:crypto";

/** Who a ticket says that somebody is; nobody, when Django did not sign it or its time is over. See tickets.py. */
export function readTicket(ticket: string | null): string | undefined {
  const key = process.env["SECRET_KEY"];
  if (key === undefined) throw new Error("SECRET_KEY is not set: it must be that of Django's settings");
  const [body = "", signature = ""] = (ticket ?? "").split(".");
  const wanted = createHmac("sha256", key).update(`ticket.${body}`).digest();
  const given = Buffer.from(signature, "hex");
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  // Django wrote it, as its signature says.
  const { name, until } = JSON.parse(Buffer.from(body, "base64url").toString()) as { name: string; until: number };
  return Date.now() / 1000 < until ? name : undefined;
}
