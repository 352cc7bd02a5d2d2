import type { Examination, ServerExamination } from "../layers/examination.ts";
import type { Finding, FindingLevel } from "../layers/finding.ts";
import { counted } from "./columns.ts";
import { printable, type Terminal } from "./terminal.ts";

const words: Readonly<Record<FindingLevel, string>> = { ok: "ok", warning: "warning", error: "ERROR", unknown: "?" };

/** What is printed of a layer that is not on Redis. */
export function memoryText(kind: string): string {
  const remedy = "Give --layer redis://…, or set CHANNEL_LAYER_URL";
  return `The channel layer is ${kind}, not on Redis: there is nothing to examine. ${remedy}.`;
}

/** What was found, a line for each check, with a remedy where something is amiss. */
export function examinationText({ layer, prefix, servers, delivery }: Examination, terminal: Terminal): string {
  const all = [...servers.flatMap(({ findings }) => findings), delivery];
  const width = Math.max(...all.map(({ check }) => check.length));
  const lines = (findings: readonly Finding[]): string[] =>
    findings.flatMap((one) => findingLines(one, width, terminal));
  return [
    terminal.bold(`${layer}, prefix ${JSON.stringify(prefix)}`),
    ...servers.flatMap((server) => ["", terminal.bold(heading(server)), ...lines(server.findings)]),
    "",
    ...lines([delivery]),
    "",
    summary(all),
  ].join("\n");
}

function heading({ address, version, role, mode }: ServerExamination): string {
  const known = [version === undefined ? undefined : `Redis ${version}`, role, mode];
  return printable([address, ...known.filter((part) => part !== undefined)].join(", "));
}

function findingLines({ check, level, text, remedy }: Finding, width: number, terminal: Terminal): string[] {
  const word = styled(words[level].padEnd(7), level, terminal);
  const line = `  ${word}  ${check.padEnd(width)}  ${printable(text)}`;
  return remedy === undefined ? [line] : [line, `  ${" ".repeat(9 + width)}  → ${printable(remedy)}`];
}

function styled(text: string, level: FindingLevel, terminal: Terminal): string {
  if (level === "error") return terminal.red(text);
  if (level === "warning") return terminal.yellow(text);
  return level === "unknown" ? terminal.dim(text) : text;
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: FindingLevel): number => findings.filter(({ level }) => level === wanted).length;
  const [errors, warnings, unknown] = [count("error"), count("warning"), count("unknown")];
  const asked = unknown === 0 ? "" : ` ${counted(unknown, "question")} could not be asked.`;
  if (errors > 0)
    return `${counted(errors, "error")}, ${counted(warnings, "warning")}: messages would be lost.${asked}`;
  if (warnings > 0) return `${counted(warnings, "warning")}.${asked}`;
  return `Nothing is amiss.${asked}`;
}
