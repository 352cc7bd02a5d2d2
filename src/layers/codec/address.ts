/** The key by which Python's core layer says whom a message on a process's queue is for. */
export const addressKey = "__asgi_channel__";

/** The channel, or the channels, of one process that a message is for. */
export type Address = string | readonly string[];
