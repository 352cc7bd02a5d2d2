import { Script } from "../redis/scripts.ts";
import { messageField } from "./job-keys.ts";

/**
 * A function of Lua: puts a message onto the stream of a worker channel, unless as many are kept as
 * may be, those that were set aside among them.
 */
export const addJob = `
local function addJob(jobs, aside, frame, capacity)
  if redis.call('XLEN', jobs) + redis.call('HLEN', aside) >= tonumber(capacity) then return false end
  redis.call('XADD', jobs, '*', '${messageField}', frame)
  return true
end
`;

/** What {@link publishOrAdd} answers, in place of a number of receivers. */
export const added = -2;
/** What {@link publishOrAdd} and others answer when the channel is full. */
export const full = -1;

/**
 * Keeps a message for workers, if the channel has or had any, and publishes it otherwise.
 *
 * KEYS: the stream of jobs, those set aside. ARGV: the message, how many jobs may be kept, 1 for a
 * channel that is declared to have workers, the command that publishes, the topic: it is no key, so
 * that who may not touch a key of its name can publish to it, and lies in the same slot as the keys.
 */
export const publishOrAdd: Script = new Script(`${addJob}
if ARGV[3] == '1' or redis.call('EXISTS', KEYS[1]) == 1 then
  return addJob(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) and ${added} or ${full}
end
return redis.call(ARGV[4], ARGV[5], ARGV[1])
`);
