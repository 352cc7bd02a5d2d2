/** How a server wants to be spoken to. */
export interface Dialect {
  /** What is asked for, to get to a path. */
  target(path: string): string;
  /** The payload of a message that says a text. */
  wrap(text: string): string;
  /** How many bytes of what the server sends stand before the text, and after it. */
  readonly around: readonly [before: number, after: number];
  /** Talk of the protocol itself, where it has any. */
  readonly control?: Control;
}

/** Talk before and beside messages. */
export interface Control {
  /** The first two bytes of a message, as a number; nothing else begins so. */
  readonly message: number;
  /** The client is in when it hears something that begins so. */
  readonly welcome: string;
  /** What is answered to that which begins so; what is not listed needs no answer. */
  readonly answers: Readonly<Record<string, string>>;
}

const plain: Dialect = { target: (path) => path, wrap: (text) => text, around: [0, 0] };

const json: Dialect = {
  target: (path) => `/json${path}`,
  wrap: (text) => `{"text":"${text}"}`,
  around: [9, 2],
};

/** Engine.IO 4 with one namespace: packets are texts that begin with digits. */
const socketIo: Dialect = {
  target: (path) => `/socket.io/?EIO=4&transport=websocket&path=${encodeURIComponent(path)}`,
  wrap: (text) => `42["message","${text}"]`,
  around: [14, 2],
  control: { message: 0x3432, welcome: "40", answers: { "0": "40", "2": "3" } },
};

/** All that are spoken, by name. */
export const dialects = { plain, json, "socket.io": socketIo } as const;

export type DialectName = keyof typeof dialects;
