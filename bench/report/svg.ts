/** Some bars that belong together: `window 8`. */
export interface BarGroup {
  readonly label: string;
  readonly bars: ReadonlyArray<{ readonly name: string; readonly value: number; readonly text: string }>;
}

/** A picture of bars, in the order of their names. */
export interface BarChart {
  readonly title: string;
  readonly groups: readonly BarGroup[];
  /** Whether the bars grow with the logarithm, from the power of ten below the least. @default false */
  readonly logarithmic?: boolean;
}

const [width, left, right, top] = [760, 210, 110, 58];
const [barHeight, gap, groupGap] = [20, 5, 22];
const style = `
    text { font: 13px system-ui, sans-serif; fill: #24292f; }
    .title { font-size: 15px; font-weight: 600; }
    .group { font-weight: 600; }
    rect { fill: #8c959f; }
    rect.ours { fill: #0a69da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      rect { fill: #6e7681; }
      rect.ours { fill: #4493f8; }
    }
  `;

/** Draws bars from left to right, with those of one name in its colour; it suits light and dark. */
export function barChart({ title, groups, logarithmic = false }: BarChart, ours: string): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const base = logarithmic ? 10 ** Math.floor(Math.log10(Math.min(...values))) : 0;
  const scale = (value: number): number =>
    logarithmic ? Math.log10(value / base) / Math.log10(Math.max(...values) / base) : value / Math.max(...values);
  const parts: string[] = [text(10, 24, title, "title")];
  let y = top;
  for (const { label, bars } of groups) {
    parts.push(text(10, y, label, "group"));
    y += 10;
    for (const { name, value, text: said } of bars) {
      const length = Math.max(2, Math.round(scale(value) * (width - left - right)));
      const kind = name === ours ? ' class="ours"' : "";
      parts.push(text(left - 8, y + 15, name, "", "end"));
      parts.push(`<rect${kind} x="${left}" y="${y}" width="${length}" height="${barHeight}" rx="3"/>`);
      parts.push(text(left + length + 8, y + 15, said));
      y += barHeight + gap;
    }
    y += groupGap;
  }
  const height = y - groupGap + 10;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return `${head} role="img" aria-label="${escaped(title)}">\n  <style>${style}</style>\n  ${parts.join("\n  ")}\n</svg>\n`;
}

function text(x: number, y: number, content: string, kind = "", anchor = ""): string {
  const attributes = `${kind === "" ? "" : ` class="${kind}"`}${anchor === "" ? "" : ` text-anchor="${anchor}"`}`;
  return `<text x="${x}" y="${y}"${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
