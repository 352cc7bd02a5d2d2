import { MillraceError } from "../protocol/errors.ts";

/** What `send` rejects with when Redis knows nobody who receives a channel. */
export function nobodyReceives(channel: string): MillraceError {
  return new MillraceError("ERR_CHANNEL_CLOSED", {
    happened: `Nobody receives the channel ${channel}, and the message was lost`,
    remedy:
      "Forget the name of a consumer that has ended; where workers are to get it, let one run first, or name it in workerChannels",
  });
}

/** What `groupAdd` rejects with. */
export function notOfThisProcess(channel: string): MillraceError {
  return new MillraceError("ERR_CHANNEL_CLOSED", {
    happened: `The channel ${channel} is none of this process, or has ended, and can't be a member of a group`,
    wanted: "a channel that newChannel of this layer has made",
    remedy: "Let the process add it that receives it; a consumer adds its own channelName",
  });
}
