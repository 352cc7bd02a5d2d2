import { isMillraceError, MillraceError } from "../protocol/errors.ts";

const reserved = /^(?:channel[._]disconnect$|layer[._]|websocket[._]|http[._]|lifespan[._])/;

/** Whether only the framework may send messages of a type to an application. */
export function isReserved(type: string): boolean {
  return reserved.test(type);
}

/** How much of an error is kept with a job. */
const longestSentence = 1000;

/** An error as it is kept with its job. */
export function sentence(error: Error): string {
  const text = error.name === "Error" || isMillraceError(error) ? error.message : `${error.name}: ${error.message}`;
  return text.length > longestSentence ? `${text.slice(0, longestSentence)}…` : text;
}

/** Why a job is not tried again whose workers were lost. */
export function tooOftenLost(times: number): MillraceError {
  return new MillraceError("ERR_TIMEOUT", {
    happened: `The workers that ran the job died, hung or lost Redis, ${times === 1 ? "once" : `${times} times`}`,
    wanted: "it ended, or renewed within the lease",
    remedy: "Look for what ends them: memory, a loop that blocks the process, or a lease that is too short",
  });
}

/** Why a message is no job. */
export function reservedType(type: string): MillraceError {
  return new MillraceError("ERR_INVALID_MESSAGE", {
    happened: "The message's type is one that only the framework may use",
    got: type,
    wanted: "a type of the application's own",
  });
}

/** Why a job is not tried again that nobody handles. */
export function noHandler(type: string, reason: string): MillraceError {
  return new MillraceError("ERR_INVALID_MESSAGE", { happened: `Nobody handles ${JSON.stringify(type)}: ${reason}` });
}
