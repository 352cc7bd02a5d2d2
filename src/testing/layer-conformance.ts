import type { ChannelLayer, ChannelLayerOptions } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { endCases } from "./layer-cases-ends.ts";
import { groupCases } from "./layer-cases-groups.ts";
import { limitCases } from "./layer-cases-limits.ts";
import { messageCases } from "./layer-cases-messages.ts";
import { nameCases } from "./layer-cases-names.ts";
import { sendingCases } from "./layer-cases-sending.ts";
import { type LayerCase, type OptionalPromise, optionalPromises, Trial } from "./layer-trial.ts";

export type { OptionalPromise } from "./layer-trial.ts";

/** Which layer is tried, and how. */
export interface LayerConformanceOptions {
  /**
   * Makes a layer with these options that shares nothing with those made before. The suite closes
   * it at the end of the case.
   */
  readonly make: (options: ChannelLayerOptions) => ChannelLayer | Promise<ChannelLayer>;
  /**
   * For how many milliseconds a case waits for something that should happen. The whole case may take
   * twice as long. @default 5000
   */
  readonly timeout?: number;
  /**
   * What the layer can't promise, with the reason, which stands in the case's name:
   *
   * - `waiting`: messages wait on a named channel until somebody receives it.
   * - `sharing`: several receivers of a named channel share its messages.
   * - `namedMembers`: a named channel can be a member of a group.
   * - `fullSend`: `send` rejects with `ERR_CHANNEL_FULL` when the channel is full.
   * - `fullReport`: the report of `groupSend` counts what was full.
   */
  readonly without?: Readonly<Partial<Record<OptionalPromise, string>>>;
}

/** One promise of the interface. */
export interface LayerConformanceCase {
  /** The promise in words. */
  readonly name: string;
  /** Why the layer does not make this promise; `run` then tries nothing. */
  readonly without: string | undefined;
  /** Settles when the layer has kept the promise, and rejects when it has not. */
  readonly run: () => Promise<void>;
}

const cases: readonly LayerCase[] = [
  ...nameCases,
  ...sendingCases,
  ...groupCases,
  ...limitCases,
  ...messageCases,
  ...endCases,
];

/**
 * The promises of {@link ChannelLayer} as cases for any test runner:
 *
 * ```ts
 * for (const { name, run } of layerConformance({ make: (options) => new InMemoryChannelLayer(options) })) {
 *   test(name, run);
 * }
 * ```
 *
 * @throws MillraceError `ERR_INVALID_OPTION` when `without` names no optional promise, or gives no
 *   reason.
 */
export function layerConformance(options: LayerConformanceOptions): readonly LayerConformanceCase[] {
  const { make, timeout = 5000, without = {} } = options;
  checkWithout(without);
  return cases.map(({ name, needs = [], run }) => {
    const missing = needs.find((promise) => without[promise] !== undefined);
    if (missing !== undefined) {
      const reason = without[missing] ?? "";
      return { name: `${name} (not promised: ${reason})`, without: reason, run: async () => {} };
    }
    return {
      name,
      without: undefined,
      run: async () => {
        await using trial = new Trial(make, timeout);
        await inTime(run(trial), 2 * timeout);
      },
    };
  });
}

/** A layer that never answers fails the case; it must not hold up the runner. */
async function inTime(tried: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tookTooLong(milliseconds)), milliseconds);
  });
  await Promise.race([tried, late]).finally(() => clearTimeout(timer));
}

function tookTooLong(milliseconds: number): MillraceError {
  return new MillraceError("ERR_TIMEOUT", {
    happened: `The case did not end within ${milliseconds} ms`,
    wanted: "a layer that settles what it is asked",
    remedy: "Give a longer timeout if the layer is only slow",
  });
}

function checkWithout(without: Readonly<Record<string, string>>): void {
  const known = Object.keys(optionalPromises);
  for (const [promise, reason] of Object.entries(without)) {
    if (!known.includes(promise)) {
      throw new MillraceError("ERR_INVALID_OPTION", {
        happened: `${JSON.stringify(promise)} is no promise that a layer may leave out${didYouMean(promise, known)}`,
        wanted: known.join(", "),
      });
    }
    if (typeof reason === "string" && reason.trim() !== "") continue;
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: `The layer leaves out the promise ${JSON.stringify(promise)} without a reason`,
      got: reason,
      wanted: "a sentence that says why",
    });
  }
}
