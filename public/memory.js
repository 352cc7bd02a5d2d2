// What this browser remembers. A browser may refuse to; then it is forgotten with the page.

const fallback = new Map();

/** Reads what was kept under a key, or gives the other value. */
export function recall(key, otherwise, storage = "localStorage") {
  try {
    const text = globalThis[storage].getItem(key);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return fallback.get(key) ?? otherwise;
  }
}

/** Keeps a value that JSON knows. */
export function remember(key, value, storage = "localStorage") {
  fallback.set(key, value);
  try {
    globalThis[storage].setItem(key, JSON.stringify(value));
  } catch {
    // It is in `fallback`.
  }
}

/** Puts a room at the front of those that were visited. */
export function rememberRoom(room) {
  const others = recall("rooms", []).filter((other) => other !== room);
  remember("rooms", [room, ...others].slice(0, 6));
}
