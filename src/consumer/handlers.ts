import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";

/** A class whose instances handle messages. */
export interface HandlerClass {
  readonly name: string;
  readonly prototype: object;
  /** Handlers that the naming rule does not find: a message's type and the method's name. */
  readonly handlers?: Readonly<Record<string, string>>;
}

/** A handler as it is called: on the consumer, with the message. */
export type Handler = (this: object, message: object) => unknown;

interface Found {
  readonly consumer: HandlerClass;
  readonly type: unknown;
  readonly handler: Handler | undefined;
}

const frameworkClasses = new WeakSet<object>();
const tables = new WeakMap<HandlerClass, ReadonlyMap<string, Handler>>();
const layerHandlers = new WeakMap<HandlerClass, ReadonlyMap<string, Handler>>();
const reserved = /^(?:_|websocket_|http_|layer_|channel_disconnect$)/;

/** Says that a class is the framework's own: its methods are reached by no message. */
export function markFrameworkClass(consumer: HandlerClass): void {
  frameworkClasses.add(consumer.prototype);
}

/**
 * The handlers that a message may reach, by the method's name. They are the methods of the classes
 * below the framework's own whose name has an underscore, no leading one, and is not the name of a
 * transport's event; and by type what the class lists in `static handlers`. TypeScript's `private`
 * is no fence at run time, and `Object.prototype` is never looked at.
 *
 * @throws MillraceError `ERR_INVALID_HANDLER` when `static handlers` names something else than a
 *   method of the class.
 */
export function handlersOf(consumer: HandlerClass): ReadonlyMap<string, Handler> {
  const known = tables.get(consumer);
  if (known !== undefined) return known;
  const table = new Map<string, Handler>();
  const methods = methodsOf(consumer);
  for (const [name, method] of methods) {
    if (name.includes("_") && !reserved.test(name)) table.set(name, method);
  }
  for (const [type, name] of Object.entries(consumer.handlers ?? {})) {
    const method = methods.get(name);
    if (method === undefined || reserved.test(handlerName(type))) throw invalidHandler(consumer, type, name, methods);
    table.set(handlerName(type), method);
  }
  tables.set(consumer, table);
  return table;
}

// A message to a group asks for the same handler once for each member.
let lastFound: Found | undefined;

/** The handler of a message that a channel layer delivered, or `undefined` when it has none. */
export function findHandler(consumer: HandlerClass, type: unknown): Handler | undefined {
  if (lastFound !== undefined && lastFound.type === type && lastFound.consumer === consumer) return lastFound.handler;
  const handler = typeof type === "string" ? handlersOf(consumer).get(handlerName(type)) : undefined;
  lastFound = { consumer, type, handler };
  return handler;
}

/** The handler of what a layer tells of itself, or `undefined` when the class has none. */
export function findLayerHandler(consumer: HandlerClass, type: string): Handler | undefined {
  return layerHandlersOf(consumer).get(handlerName(type));
}

/** Why {@link findHandler} found nothing, with the nearest handler's name where there is one. */
export function whyUnhandled(consumer: HandlerClass, type: unknown): string {
  if (typeof type !== "string") return "the message has no type";
  const name = handlerName(type);
  if (name.startsWith("_")) return "a message's type has no leading underscore or period";
  if (reserved.test(name)) return `${JSON.stringify(type)} comes only from the framework`;
  return `there is no handler ${name} on ${consumer.name}${didYouMean(name, handlersOf(consumer).keys())}`;
}

// A message to a group asks for the same name once for each member.
let lastType = "";
let lastName = "";

/** `chat.message` gives `chat_message`. */
export function handlerName(type: string): string {
  if (type !== lastType) {
    lastType = type;
    lastName = type.replaceAll(".", "_");
  }
  return lastName;
}

function layerHandlersOf(consumer: HandlerClass): ReadonlyMap<string, Handler> {
  let handlers = layerHandlers.get(consumer);
  if (handlers === undefined) {
    handlers = new Map([...methodsOf(consumer)].filter(([name]) => name.startsWith("layer_")));
    layerHandlers.set(consumer, handlers);
  }
  return handlers;
}

/** The methods of the classes below the framework's own; a subclass wins over its parents. */
function methodsOf(consumer: HandlerClass): Map<string, Handler> {
  const methods = new Map<string, Handler>();
  let prototype: object | null = consumer.prototype;
  while (prototype !== null && prototype !== Object.prototype && !frameworkClasses.has(prototype)) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      const method: unknown = descriptor.value;
      if (name === "constructor" || typeof method !== "function" || methods.has(name)) continue;
      // What a method takes is its class's affair: the message's type is all that leads to it.
      methods.set(name, method as Handler);
    }
    // Only Object.getPrototypeOf's type is `any`; it gives an object or null.
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return methods;
}

function invalidHandler(
  consumer: HandlerClass,
  type: string,
  name: string,
  methods: ReadonlyMap<string, Handler>,
): MillraceError {
  return new MillraceError("ERR_INVALID_HANDLER", {
    happened: `${consumer.name}.handlers maps ${JSON.stringify(type)} to ${JSON.stringify(name)}${didYouMean(name, methods.keys())}`,
    wanted: "a type of the application's own, and the name of a method of the class",
  });
}
