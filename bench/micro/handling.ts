import { Mailbox } from "../../src/flow/mailbox.ts";
import { Group } from "../../src/layers/group.ts";
import { sealMessage } from "../../src/layers/message.ts";
import { type MakeTrick, sockets } from "./trick.ts";

/** An event that can be handled at once is, without a promise. */
export const synchronousMailbox: MakeTrick = () => {
  let handled = 0;
  const handle = (): void => void handled++;
  const mailboxes = Array.from({ length: sockets }, () => new Mailbox<object>(handle));
  const loops = Array.from({ length: sockets }, () => new AwaitedMailbox(handle));
  const event = {};
  return {
    name: "handling an event in the call that brings it",
    otherwise: "in a loop that awaits each",
    limit: 0.5,
    withIt() {
      for (const mailbox of mailboxes) void mailbox.push(event);
    },
    async without() {
      const before = handled;
      for (const loop of loops) loop.push(event);
      while (handled < before + sockets) await Promise.resolve();
    },
  };
};

/** A mailbox as one writes it first: a loop that waits for the next event, and for its handler. */
class AwaitedMailbox {
  readonly #events: object[] = [];
  #wake = (): void => {};

  constructor(handle: (event: object) => void | Promise<void>) {
    void this.#loop(handle);
  }

  push(event: object): void {
    this.#events.push(event);
    this.#wake();
  }

  async #loop(handle: (event: object) => void | Promise<void>): Promise<void> {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else await handle(event);
    }
  }
}

/** A message is checked and copied once for all receivers. */
export const sealedOnce: MakeTrick = () => {
  const message = { type: "chat.message", text: "hello", from: { id: 7, name: "somebody" } };
  let last: unknown;
  return {
    name: "copying a message once for all members",
    otherwise: "for each",
    limit: 0.1,
    withIt() {
      const sealed = sealMessage(message);
      for (let member = 0; member < sockets; member++) last = sealed;
    },
    without() {
      for (let member = 0; member < sockets; member++) last = sealMessage(message);
      if (last === undefined) throw new Error("Nothing was copied");
    },
  };
};

/** The list of a group's members is kept until it changes. */
export const keptMembers: MakeTrick = () => {
  const group = new Group<object>("room");
  for (let member = 0; member < sockets; member++) group.add({});
  const extra = {};
  let seen = 0;
  const send = (): void => void (seen += group.members.local.length);
  return {
    name: "keeping the list of a group's members",
    otherwise: "listing them for each message",
    limit: 0.1,
    withIt() {
      for (let message = 0; message < 50; message++) send();
    },
    without() {
      for (let message = 0; message < 50; message++) {
        group.add(extra);
        group.remove(extra);
        send();
      }
      if (seen === 0) throw new Error("There was nobody");
    },
  };
};
