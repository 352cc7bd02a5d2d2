/** The size of the last request's head, as its server counted it. */
export let lastHead = 500;

/** Asks the server for JSON, and counts what went over the wire for it. */
export async function request(tally, method, address, { content, signal } = {}) {
  const body = content === undefined ? undefined : JSON.stringify(content);
  tally.request();
  const response = await fetch(address, { method, body, signal, cache: "no-store" });
  const text = await response.text();
  lastHead = Number(response.headers.get("request-bytes") ?? lastHead);
  tally.bytes(lastHead + byteLength(body ?? "") + headLength(response) + byteLength(text));
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return JSON.parse(text);
}

export function byteLength(text) {
  return new TextEncoder().encode(text).byteLength;
}

function headLength({ status, statusText, headers }) {
  const lines = [`HTTP/1.1 ${status} ${statusText}`, ...Array.from(headers, (header) => header.join(": "))];
  return byteLength(lines.join("\r\n")) + 4;
}

/** Settles after so many milliseconds, or at once when the signal aborts. */
export function wait(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
