import { Script } from "../redis/scripts.ts";
import { added, addJob, full } from "./job-scripts.ts";

// Redis' own clock is the only one that all processes share, so times are read in the scripts.
const now = `
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
`;

// What is newer must have a higher score, or Redis orders by the random prefix; so a message comes
// after the last one, even where that was sent by a clock that is a little ahead.
const put = `
local function put(queue, frame, capacity, wanted, stays)
  if redis.call('ZCOUNT', queue, '(' .. string.format('%.6f', now - tonumber(wanted)), '+inf') >= tonumber(capacity) then return false end
  local score = now
  local last = tonumber(redis.call('ZREVRANGE', queue, 0, 0, 'WITHSCORES')[2])
  if last and last >= now and last < now + 60 then score = last + 0.000001 end
  redis.call('ZADD', queue, string.format('%.6f', score), frame)
  redis.call('EXPIRE', queue, stays)
  return true
end
`;

/**
 * Puts one message on each queue that has room; on none when one of the keys is no queue.
 *
 * KEYS: queues. ARGV: a message for each, a capacity for each, for how many seconds a message is
 * wanted, and after how many a queue that nobody touches goes. Gives how many queues were full.
 */
export const enqueue: Script = new Script(`${now}${put}
for _, queue in ipairs(KEYS) do redis.call('ZCARD', queue) end
local full = 0
for i, queue in ipairs(KEYS) do
  if not put(queue, ARGV[i], ARGV[#KEYS + i], ARGV[#ARGV - 1], ARGV[#ARGV]) then full = full + 1 end
end
return full
`);

/** What {@link enqueueOrAdd} answers when it has put the message on the queue. */
export const queued = 1;
/** What {@link enqueueOrAdd} answers when the channel has no workers, and its queue is elsewhere. */
export const noWorkers = 0;

/**
 * Keeps a message for workers, if the channel has or had any, and puts it on the channel's queue
 * otherwise.
 *
 * KEYS: the stream of jobs, those set aside, and the queue where that is on the same host.
 * ARGV: the message, how many jobs may be kept, 1 for a channel that is declared to have workers;
 * for the queue its capacity, for how many seconds a message is wanted, and after how many a queue
 * that nobody touches goes.
 */
export const enqueueOrAdd: Script = new Script(`${now}${put}${addJob}
if ARGV[3] == '1' or redis.call('EXISTS', KEYS[1]) == 1 then
  return addJob(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) and ${added} or ${full}
end
if not KEYS[3] then return ${noWorkers} end
return put(KEYS[3], ARGV[1], ARGV[4], ARGV[5], ARGV[6]) and ${queued} or ${full}
`);

/**
 * The members of a group, after those are removed whose time is over.
 *
 * KEYS: the group. ARGV: groupExpiry in seconds.
 */
export const listMembers: Script = new Script(`${now}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now - tonumber(ARGV[1])))
return redis.call('ZRANGE', KEYS[1], 0, -1)
`);

/**
 * Adds a member to each group, or renews it. Whoever sends removes members that are older than
 * groupExpiry; one whose process must renew it is therefore entered as old already.
 *
 * KEYS: groups. ARGV: a member for each, how many seconds old it is, and groupExpiry in whole
 * seconds. Gives for each 1 when it was not there, and the first error: one that Redis refuses does
 * not keep the others out.
 */
export const register: Script = new Script(`${now}
local score = string.format('%.6f', now - tonumber(ARGV[#ARGV - 1]))
local added = {}
local failure
for i, group in ipairs(KEYS) do
  local answer = redis.pcall('ZADD', group, score, ARGV[i])
  if type(answer) == 'number' then
    added[i] = answer
    redis.call('EXPIRE', group, ARGV[#ARGV])
  else
    added[i] = 0
    failure = failure or answer.err
  end
end
return {added, failure}
`);

/** Removes a member from each group. KEYS: groups. ARGV: a member for each. */
export const unregister: Script = new Script(`
for i, group in ipairs(KEYS) do redis.pcall('ZREM', group, ARGV[i]) end
`);

/**
 * Takes messages off a queue that are too old.
 *
 * KEYS: the queue. ARGV: for how many seconds a message is wanted; how many to take at most. Gives
 * the messages, and in how many milliseconds the next is too old, or -1 when none is left.
 */
export const dropExpired: Script = new Script(`${now}
local wanted = tonumber(ARGV[1])
local limit = string.format('%.6f', now - wanted)
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', limit, 'LIMIT', 0, ARGV[2])
if #old > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, #old - 1) end
local first = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
if not first then return {old, -1} end
return {old, math.max(0, math.ceil((first + wanted - now) * 1000))}
`);

/**
 * Puts back what a reader of Python's had taken and not finished. KEYS: the queue, and where the
 * reader keeps what it takes.
 */
export const recoverInflight: Script = new Script(`
local taken = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #taken, 2 do redis.call('ZADD', KEYS[1], taken[i + 1], taken[i]) end
redis.call('DEL', KEYS[2])
`);

/** All scripts of the layer. */
export const coreScripts: readonly Script[] = [
  enqueue,
  enqueueOrAdd,
  listMembers,
  register,
  unregister,
  dropExpired,
  recoverInflight,
];
