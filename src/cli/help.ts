import {
  type CommandName,
  commandOf,
  commands,
  commonFlags,
  type Flag,
  moduleDescription,
  type Operand,
} from "./commands.ts";
import { columns, wrap } from "./columns.ts";

/** The help of all commands, or of one. */
export function helpText(about: CommandName | undefined): string {
  return about === undefined ? overview() : commandHelp(about);
}

function overview(): string {
  return [
    "Serves consumers over WebSockets and HTTP.",
    "",
    "Usage: millrace <command> <module or channel> [flags]",
    "",
    "Commands:",
    ...columns(
      Object.entries(commands).map(([name, { summary }]) => [name, summary]),
      "  ",
    ),
    "",
    moduleDescription,
    "",
    "`millrace <command> --help` tells a command's flags, `millrace --version` the version.",
  ].join("\n");
}

function commandHelp(name: CommandName): string {
  const { description, operand, flags, examples } = commandOf(name);
  return [
    `Usage: millrace ${name} ${operandText(operand)}[flags]`,
    "",
    description,
    "",
    ...(operand.endsWith("module") ? [moduleDescription, ""] : []),
    "Flags:",
    ...[...flags, ...commonFlags].flatMap(flagHelp),
    "",
    "Examples:",
    ...examples.map((example) => `  ${example}`),
  ].join("\n");
}

function operandText(operand: Operand): string {
  return operand === "optional module" ? "[<module>] " : `<${operand}> `;
}

function flagHelp(flag: Flag): string[] {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.placeholder === undefined ? "" : ` ${flag.placeholder}`;
  return [`  ${short}--${flag.name}${value}`, ...wrap(`${flag.summary}${defaults(flag)}`, 90, " ".repeat(10))];
}

function defaults({ initial, environment }: Flag): string {
  const parts = [
    ...(environment === undefined ? [] : [`environment variable ${environment}`]),
    ...(initial === undefined ? [] : [`default ${initial}`]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}
