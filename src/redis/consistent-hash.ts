import { crc32 } from "node:zlib";

/** How many values the hash has before it is spread over the hosts. */
const range = 4096;

/**
 * Which of `hosts` hosts has a channel or a group, by its name: the lowest twelve bits of the
 * CRC-32 of the name in UTF-8, spread evenly. channels_redis counts in the same way, so that both
 * look for one name on one host.
 */
export function consistentHash(name: string, hosts: number): number {
  if (hosts === 1) return 0;
  return Math.floor((crc32(name) & (range - 1)) / (range / hosts));
}
