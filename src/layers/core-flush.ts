import type { Link } from "../redis/link.ts";

/**
 * Deletes all keys of a pattern, a part at a time, so that others are not kept waiting.
 *
 * @param spared is what those begin with that stay.
 */
export async function deleteAll(link: Link, pattern: string, spared: string): Promise<void> {
  let cursor = "0";
  do {
    // What SCAN answers with: where to go on, and keys.
    const [next, keys] = (await link.callBuffer("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)) as readonly [
      Buffer,
      readonly Buffer[],
    ];
    const unwanted = keys.filter((key) => !key.toString().startsWith(spared));
    if (unwanted.length > 0) await link.call("UNLINK", ...unwanted);
    cursor = next.toString();
  } while (cursor !== "0");
}
