import { addJob, full } from "../layers/job-scripts.ts";
import { jobGroup, messageField } from "../layers/job-keys.ts";
import { Script } from "../redis/scripts.ts";

// Redis' own clock is the only one that all workers share, so times are read in the scripts.
const now = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`;

// A job is its worker's for as long as the entry is pending under that worker's name. A stream that
// is gone, be it that Redis lost its data, has no owners.
const owner = `
local function owns(jobs, worker, id)
  local pending = redis.pcall('XPENDING', jobs, '${jobGroup}', id, id, 1, worker)
  return not pending.err and #pending == 1
end
local function stateOf(jobs, id)
  return #redis.call('XRANGE', jobs, id, id) == 0 and 'gone' or 'taken over'
end
local function forget(jobs, retries, failures, id)
  redis.call('XACK', jobs, '${jobGroup}', id)
  redis.call('XDEL', jobs, id)
  redis.call('ZREM', retries, id)
  redis.call('HDEL', failures, id)
end
`;

/**
 * Takes jobs for a worker: first those whose next try is due, then those whose worker has not
 * renewed them for as long as the lease, then new ones, the oldest first.
 *
 * KEYS: jobs, retries, failures. ARGV: the worker, the lease in milliseconds, how many jobs at most,
 * 1 when jobs may have been given to this worker of which it did not hear, and the ids of the jobs
 * that it runs. Gives the jobs, each with its id, what number of attempt this is, and its message;
 * and in how many milliseconds the next try is due, or -1.
 *
 * It makes the stream and the group if they are not there, and forgets workers of which nobody has
 * heard for long and who have nothing.
 */
export const take: Script = new Script(`${now}
local jobs, retries, failures = KEYS[1], KEYS[2], KEYS[3]
local me, lease, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local running = {}
for i = 5, #ARGV do running[ARGV[i]] = true end
redis.pcall('XGROUP', 'CREATE', jobs, '${jobGroup}', '0', 'MKSTREAM')

local taken = {}
local function claim(id, attempt)
  local entry = redis.call('XCLAIM', jobs, '${jobGroup}', me, 0, id, 'FORCE', 'RETRYCOUNT', attempt)[1]
  if entry then
    taken[#taken + 1] = {id, attempt, entry[2][2]}
  else
    -- An operator has deleted it.
    redis.call('XACK', jobs, '${jobGroup}', id)
    redis.call('HDEL', failures, id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', retries, '-inf', now, 'LIMIT', 0, count)) do
  local tried = string.match(redis.call('HGET', failures, id) or '', '^%d+') or '0'
  redis.call('ZREM', retries, id)
  claim(id, tonumber(tried) + 1)
end

for _, worker in ipairs(redis.call('XINFO', 'CONSUMERS', jobs, '${jobGroup}')) do
  local name, pending, idle = worker[2], worker[4], worker[6]
  local missed = name == me and ARGV[4] == '1'
  if pending == 0 then
    if name ~= me and idle > 20 * lease then redis.call('XGROUP', 'DELCONSUMER', jobs, '${jobGroup}', name) end
  elseif #taken < count then
    local wanted = count - #taken + (name == me and #ARGV - 4 or 0)
    for _, entry in ipairs(redis.call('XPENDING', jobs, '${jobGroup}', 'IDLE', missed and 0 or lease, '-', '+', wanted, name)) do
      -- One of which this worker did not hear was not tried.
      if not (name == me and running[entry[1]]) then claim(entry[1], missed and entry[4] or entry[4] + 1) end
    end
  end
end

if #taken < count then
  local read = redis.call('XREADGROUP', 'GROUP', '${jobGroup}', me, 'COUNT', count - #taken, 'STREAMS', jobs, '>')
  if read then
    for _, entry in ipairs(read[1][2]) do taken[#taken + 1] = {entry[1], 1, entry[2][2]} end
  end
end

local next = redis.call('ZRANGE', retries, 0, 0, 'WITHSCORES')[2]
return {taken, next and math.max(0, tonumber(next) - now) or -1}
`);

/**
 * Renews the jobs that a worker runs. KEYS: jobs. ARGV: the worker, ids. Gives the ids that are no
 * longer its own.
 */
export const renew: Script = new Script(`${owner}
local lost = {}
for i = 2, #ARGV do
  if owns(KEYS[1], ARGV[1], ARGV[i]) then
    redis.call('XCLAIM', KEYS[1], '${jobGroup}', ARGV[1], 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
`);

// Each of the scripts that end a job gives "settled"; "taken over" when the job is no longer the
// worker's; "gone" when there is no such job, be it that it was settled before.

/** Ends a job that is done. KEYS: jobs, retries, failures. ARGV: the worker, the id. */
export const finish: Script = new Script(`${owner}
if not owns(KEYS[1], ARGV[1], ARGV[2]) then return stateOf(KEYS[1], ARGV[2]) end
forget(KEYS[1], KEYS[2], KEYS[3], ARGV[2])
return 'settled'
`);

/**
 * Lets a job be tried again. KEYS: jobs, retries, failures. ARGV: the worker, the id, how often it
 * was tried, in how many milliseconds, why.
 */
export const retry: Script = new Script(`${now}${owner}
if not owns(KEYS[1], ARGV[1], ARGV[2]) then return stateOf(KEYS[1], ARGV[2]) end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[2])
redis.call('HSET', KEYS[3], ARGV[2], table.concat({ARGV[3], now, 'retry', ARGV[5]}, ' '))
redis.call('XACK', KEYS[1], '${jobGroup}', ARGV[2])
return 'settled'
`);

/**
 * Sets a job aside. KEYS: jobs, retries, failures, aside. ARGV: the worker, the id, how often it
 * was tried, the reason in a word, and why.
 */
export const setAside: Script = new Script(`${now}${owner}
if not owns(KEYS[1], ARGV[1], ARGV[2]) then return stateOf(KEYS[1], ARGV[2]) end
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
forget(KEYS[1], KEYS[2], KEYS[3], ARGV[2])
redis.call('HSET', KEYS[4], ARGV[2], entry[2][2])
redis.call('HSET', KEYS[3], ARGV[2], table.concat({ARGV[3], now, ARGV[4], ARGV[5]}, ' '))
return 'settled'
`);

/** Forgets a worker that has nothing. KEYS: jobs. ARGV: the worker. */
export const leave: Script = new Script(`
local pending = redis.pcall('XPENDING', KEYS[1], '${jobGroup}', '-', '+', 1, ARGV[1])
if not pending.err and #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], '${jobGroup}', ARGV[1]) end
`);

/**
 * Counts the jobs of a channel. KEYS: jobs, retries, aside. Gives how many there are that are not
 * set aside, how many run, are to be tried again and are set aside, and how old the oldest is of
 * those that are not set aside.
 */
export const countJobs: Script = new Script(`${now}
local pending = redis.pcall('XPENDING', KEYS[1], '${jobGroup}')
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local age = oldest and math.max(0, now - tonumber(string.match(oldest[1], '^%d+'))) or 0
local running = not pending.err and pending[1] or 0
return {redis.call('XLEN', KEYS[1]), running, redis.call('ZCARD', KEYS[2]), redis.call('HLEN', KEYS[3]), age}
`);

/** Lets jobs that were set aside run as new ones. KEYS: aside, jobs, failures. ARGV: ids. Gives how many there were. */
export const requeue: Script = new Script(`
local count = 0
for _, id in ipairs(ARGV) do
  local message = redis.call('HGET', KEYS[1], id)
  if message then
    redis.call('XADD', KEYS[2], '*', '${messageField}', message)
    redis.call('HDEL', KEYS[1], id)
    redis.call('HDEL', KEYS[3], id)
    count = count + 1
  end
end
return count
`);

/**
 * Drops jobs that are set aside, wait or are to be tried again; those that run stay. KEYS: jobs,
 * retries, failures, aside. ARGV: ids. Gives how many were dropped.
 */
export const discard: Script = new Script(`
local count = 0
for _, id in ipairs(ARGV) do
  local pending = redis.pcall('XPENDING', KEYS[1], '${jobGroup}', id, id, 1)
  local runs = not pending.err and #pending > 0
  if redis.call('HDEL', KEYS[4], id) == 1 or not runs and redis.call('XDEL', KEYS[1], id) == 1 then
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
    count = count + 1
  end
end
return count
`);

/** Drops all jobs of a channel, and that it has workers. KEYS: jobs, aside, retries, failures. Gives how many there were. */
export const purge: Script = new Script(`
local count = redis.call('XLEN', KEYS[1]) + redis.call('HLEN', KEYS[2])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return count
`);

/**
 * Takes or renews the right to move what Python sends. KEYS: bridge. ARGV: a token, for how many
 * milliseconds. Gives 1 when the token has it, 0 when another has.
 */
export const hold: Script = new Script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** Gives the right back. KEYS: bridge. ARGV: the token. */
export const release: Script = new Script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/** What {@link moveOne} and {@link moveWaiting} answer when another has the right. */
export const notHeld = -3;

/**
 * Makes one message of Python's a job, for who has the right to. KEYS: bridge, jobs, aside. ARGV:
 * the token, the message, how many jobs may be kept. Gives 1, {@link full} or {@link notHeld}.
 */
export const moveOne: Script = new Script(`${addJob}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return ${notHeld} end
return addJob(KEYS[2], KEYS[3], ARGV[2], ARGV[3]) and 1 or ${full}
`);

// A queue of the core layer orders messages by the time in seconds at which they were sent.
const fresh = `
local function isFresh(score, wanted) return tonumber(score) > now / 1000 - tonumber(wanted) end
`;

/**
 * Makes jobs of what waits on a queue of the core layer, on the host of the jobs, while there is
 * room for them; what is too old is taken off.
 *
 * KEYS: bridge, jobs, aside, queue. ARGV: the token, how many jobs may be kept, for how many seconds
 * a message is wanted, how many at most. Gives how many were moved, or {@link notHeld}; and those
 * that were too old.
 */
export const moveWaiting: Script = new Script(`${now}${addJob}${fresh}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {${notHeld}, {}} end
local waiting = redis.call('ZRANGE', KEYS[4], 0, tonumber(ARGV[4]) - 1, 'WITHSCORES')
local moved, old = 0, {}
for i = 1, #waiting, 2 do
  if not isFresh(waiting[i + 1], ARGV[3]) then
    old[#old + 1] = waiting[i]
  elseif addJob(KEYS[2], KEYS[3], waiting[i], ARGV[2]) then
    moved = moved + 1
  else
    break
  end
  redis.call('ZREM', KEYS[4], waiting[i])
end
return {moved, old}
`);

/**
 * What waits on a queue of the core layer on another host than the jobs; what is too old is taken
 * off. KEYS: queue. ARGV: for how many seconds a message is wanted, how many at most. Gives what
 * waits, and what was too old.
 */
export const peekWaiting: Script = new Script(`${now}${fresh}
local waiting = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1, 'WITHSCORES')
local wanted, old = {}, {}
for i = 1, #waiting, 2 do
  if isFresh(waiting[i + 1], ARGV[1]) then
    wanted[#wanted + 1] = waiting[i]
  else
    old[#old + 1] = waiting[i]
    redis.call('ZREM', KEYS[1], waiting[i])
  end
end
return {wanted, old}
`);
