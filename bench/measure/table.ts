/** A table in Markdown, of which all columns but the first ones are numbers, and set to the right. */
export function formatTable(
  header: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  textColumns: number,
): string {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column < textColumns)).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column < textColumns ? "-".repeat(width) : `${"-".repeat(Math.max(1, width - 1))}:`,
  );
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}

function pad(cell: string, width: number, isText: boolean): string {
  return isText ? cell.padEnd(width) : cell.padStart(width);
}
