import type { Channel, ChannelLayer, Subscriber } from "millrace";
import type { InMemoryChannelLayer } from "../../src/layers/in-memory.ts";

/** What a step of a layer waits for, or fails with, before it is done. */
export interface Trouble {
  readonly newChannel?: () => void | Promise<void>;
  readonly groupAdd?: (group: string) => void | Promise<void>;
  /** Comes after the channel was closed. */
  readonly closeChannel?: () => void | Promise<void>;
}

/** A real layer whose steps may take their time, or fail. */
export function troubled(layer: InMemoryChannelLayer, trouble: Trouble): ChannelLayer {
  const steps = {
    async newChannel(subscriber: Subscriber, prefix?: string): Promise<Channel> {
      await trouble.newChannel?.();
      const channel = layer.newChannel(subscriber, prefix);
      return {
        name: channel.name,
        close: async () => {
          void channel.close();
          await trouble.closeChannel?.();
        },
      };
    },
    async groupAdd(group: string, channel: string): Promise<void> {
      await trouble.groupAdd?.(group);
      await layer.groupAdd(group, channel);
    },
  };
  return new Proxy<ChannelLayer>(layer, {
    get(target, name: keyof ChannelLayer & keyof typeof steps) {
      if (name in steps) return steps[name];
      const member: unknown = target[name];
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
