/** An id that nobody else makes. `crypto.randomUUID` is missing where a page comes over plain HTTP. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
