import { parseArgs } from "node:util";
import { didYouMean } from "../protocol/suggestion.ts";
import {
  type Command,
  type CommandName,
  commandOf,
  commands,
  type CommandValues,
  commonFlags,
  type Flag,
  type Operand,
} from "./commands.ts";
import { type FlagKinds, readFlagValue, wantedByKind } from "./flag-values.ts";
import { UsageError } from "./usage-error.ts";

interface Operands {
  readonly module: { readonly module: string };
  readonly "optional module": { readonly module: string | undefined };
  readonly channel: { readonly channel: string };
}

/** A command, what it is for and what its flags were given. */
export type Invocation = {
  [Name in CommandName]: Operands[(typeof commands)[Name]["operand"]] & {
    readonly command: Name;
    readonly flags: CommandValues<Name>;
  };
}[CommandName];

/** What a command line asks for. */
export type Request =
  | Invocation
  | { readonly command: "help"; readonly about: CommandName | undefined }
  | { readonly command: "version" };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a command line; a flag wins over its environment variable.
 *
 * @throws UsageError when it is not one that the table of commands knows.
 */
export function parseCommandLine(words: readonly string[], environment: Environment): Request {
  const [first, ...rest] = words;
  if (first === "--version" || first === "-v") return { command: "version" };
  if (first === "--help" || first === "-h") return { command: "help", about: undefined };
  const name = commandName(first);
  const { operands, values } = readWords(rest, [...commands[name].flags, ...commonFlags], name);
  if (values["help"] === true) return { command: "help", about: name };
  readEnvironment(values, commands[name], environment, name);
  // The operand is the one that the table has for this command, and the flags are its own.
  return { command: name, ...readOperand(operands, name), flags: values } as Invocation;
}

function commandName(word: string | undefined): CommandName {
  const names = Object.keys(commands);
  const wanted = `The commands are ${names.join(", ")}.`;
  if (word === undefined) throw new UsageError(`No command was given. ${wanted}`);
  if (word.startsWith("-")) throw new UsageError(`The command comes first, before ${word}. ${wanted}`);
  if (Object.hasOwn(commands, word)) return word as CommandName;
  throw new UsageError(`There is no command ${JSON.stringify(word)}${didYouMean(word, names) || "."} ${wanted}`);
}

type Values = Record<string, FlagKinds[keyof FlagKinds]>;

function readWords(
  words: readonly string[],
  flags: readonly Flag[],
  command: CommandName,
): { readonly operands: readonly string[]; readonly values: Values } {
  const options = Object.fromEntries(
    flags.map(({ name, short, kind }) => [
      name,
      {
        type: kind === "boolean" ? ("boolean" as const) : ("string" as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  // Not strict: its own complaints can't be told from one another, and know no suggestion.
  const { tokens } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true });
  const operands: string[] = [];
  const values: Values = {};
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind === "option") {
      const flag = findFlag(token.name, token.rawName, flags, command);
      values[flag.name] = flagValue(flag, token.rawName, token.value, command);
    }
  }
  return { operands, values };
}

function findFlag(name: string, given: string, flags: readonly Flag[], command: CommandName): Flag {
  const found = flags.find((flag) => flag.name === name);
  if (found !== undefined) return found;
  const near =
    didYouMean(
      given,
      flags.map((flag) => `--${flag.name}`),
    ) || ".";
  throw new UsageError(`millrace ${command} has no flag ${given}${near}`, command);
}

function flagValue(
  flag: Flag,
  given: string,
  text: string | undefined,
  command: CommandName,
): FlagKinds[keyof FlagKinds] {
  if (flag.kind === "boolean" && text === undefined) return true;
  const value = text === undefined ? undefined : readFlagValue(flag.kind, text);
  if (value !== undefined) return value;
  throw unusable(given, text, flag, command);
}

function readEnvironment(values: Values, command: Command, environment: Environment, name: CommandName): void {
  for (const flag of command.flags) {
    const text = flag.environment === undefined ? undefined : environment[flag.environment];
    if (flag.environment === undefined || text === undefined || text === "" || flag.name in values) continue;
    const value = readFlagValue(flag.kind, text);
    if (value === undefined) throw unusable(flag.environment, text, flag, name);
    values[flag.name] = value;
  }
}

function unusable(given: string, text: string | undefined, flag: Flag, command: CommandName): UsageError {
  const got = text === undefined ? "nothing" : JSON.stringify(text);
  return new UsageError(`${given} can't be used; got ${got}; wanted ${wantedByKind[flag.kind]}.`, command);
}

function readOperand(operands: readonly string[], name: CommandName): Operands[Operand] {
  const { operand } = commandOf(name);
  const [given, surplus] = operands;
  const noun = operand === "channel" ? operand : "module";
  if (surplus !== undefined) {
    throw new UsageError(`millrace ${name} takes one ${noun}; got ${operands.join(" and ")}.`, name);
  }
  if (operand === "optional module") return { module: given };
  if (given === undefined) throw new UsageError(`millrace ${name} needs a ${noun}.`, name);
  return operand === "module" ? { module: given } : { channel: given };
}
