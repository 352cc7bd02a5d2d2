import { createHash } from "node:crypto";
import { promises, readdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, sep } from "node:path";
import { fileURLToPath } from "node:url";

const contentTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ts": "text/plain; charset=utf-8",
};

/**
 * The files that there are, by the path of their URL. A request can only name one of them, so no
 * spelling of it leads out of the folders. The lesson shows what it is made of, so the consumers
 * can be read as well.
 */
const files: ReadonlyMap<string, string> = new Map([...filesIn("public", "/"), ...filesIn("consumers", "/source/")]);

/** A listener for Node's HTTP server that answers with the pages in `public/`. */
export async function pages(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = ""] = (request.url ?? "").split("?", 1);
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD", "content-type": "text/plain" }).end("Method Not Allowed\n");
    return;
  }
  const file = fileFor(path);
  if (file === undefined && fileFor(`${path}/`) !== undefined) {
    response.writeHead(308, { location: `${path}/` }).end();
    return;
  }
  await send(request, response, file ?? "/404.html", file === undefined ? 404 : 200);
}

/** The file of a path: pages have addresses that end in a slash, and every room has the same page. */
function fileFor(path: string): string | undefined {
  if (files.has(path)) return path.endsWith(".html") ? undefined : path;
  if (path === "/") return "/index.html";
  if (/^\/chat\/[^/]+\/$/.test(path)) return "/chat.html";
  return path === "/lesson/" ? "/lesson.html" : undefined;
}

async function send(request: IncomingMessage, response: ServerResponse, file: string, status: number): Promise<void> {
  const body = await promises.readFile(files.get(file) ?? file);
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  const headers = {
    "content-type": contentTypes[extname(file)] ?? "application/octet-stream",
    "content-security-policy": policy(request, file),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    // The browser asks each time, and is told when it has the newest.
    "cache-control": "no-cache",
    etag,
  };
  if (status === 200 && request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(status, { ...headers, "content-length": body.byteLength });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Nothing inline, nothing from elsewhere. The lesson's page also talks to the program beside it, on a port of its own. */
function policy(request: IncomingMessage, file: string): string {
  const host = /^([\w.-]+|\[[\da-f:]+\])(?::\d+)?$/i.exec(request.headers.host ?? "")?.[1];
  const beside = file === "/lesson.html" && host !== undefined ? ` ws://${host}:*` : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self'${beside}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function filesIn(name: string, prefix: string): Array<[url: string, file: string]> {
  const folder = fileURLToPath(new URL(`../${name}/`, import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => extname(file) in contentTypes)
    .map((file) => [prefix + file.replaceAll(sep, "/"), folder + file]);
}
