// Throughput by scenario and way as a share of the untraced program: bars in an SVG that follows a dark or light page.

const WIDTH = 860;
const LABEL = 340;
const BAR = 13;
const GAP = 3;
const GROUP_GAP = 16;
const TOP = 46;
const VALUE = 46;
/** A ratio above this is drawn to the edge. */
const MOST = 1.1;

/** Ways in the order of the legend, distinguished by lightness as well as by colour. */
const COLOURS = {
  'copy only': ['#8a8f98', '#9aa0aa'],
  extension: ['#0b62c4', '#58a6ff'],
  JSON: ['#a8510a', '#f0a35e'],
  table: ['#6b3fa0', '#c3a6ff'],
};

/** @returns the text of the file */
export function chart({ scenarios }) {
  const ways = Object.keys(COLOURS);
  const groups = scenarios
    .map(({ name, results }) => ({
      name,
      bars: ways.flatMap((way) => results.filter((one) => one.way === way)),
    }))
    .filter(({ bars }) => bars.length > 0);
  const parts = [];
  let y = TOP;
  const scale = (WIDTH - LABEL - VALUE) / MOST;
  for (const { name, bars } of groups) {
    const height = bars.length * (BAR + GAP) - GAP;
    parts.push(text(LABEL - 10, y + height / 2 + 4, name, 'end'));
    for (const { way, ratio } of bars) {
      const length = Math.min(ratio, MOST) * scale;
      const title = `<title>${escaped(`${name}, ${way}: ${ratio.toFixed(2)}`)}</title>`;
      parts.push(
        `<rect class="w${ways.indexOf(way)}" x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2">${title}</rect>`,
        text(WIDTH - 8, y + BAR - 2, ratio.toFixed(2), 'end'),
      );
      y += BAR + GAP;
    }
    y += GROUP_GAP - GAP;
  }
  const whole = LABEL + scale;
  const line = `<line x1="${whole}" x2="${whole}" y1="${TOP - 8}" y2="${y - GROUP_GAP + 6}"/>`;
  const legend = ways.map(
    (way, n) =>
      `<rect class="w${n}" x="${LABEL + n * 105}" y="10" width="${BAR}" height="${BAR}" rx="2"/>${text(LABEL + n * 105 + 18, 21, way, 'start')}`,
  );
  const rules = (dark) => ways.map((way, n) => `.w${n}{fill:${COLOURS[way][dark ? 1 : 0]}}`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="Throughput of traced servers, as a share of the untraced one">
<style>text{font:12px system-ui,sans-serif;fill:#1f2328}line{stroke:#6e7781;stroke-dasharray:3 3}${rules(false)}@media(prefers-color-scheme:dark){text{fill:#e6edf3}line{stroke:#9198a1}${rules(true)}}</style>
${line}
${text(whole, TOP - 12, 'untraced', 'middle')}
${[...legend, ...parts].join('\n')}
</svg>
`;
}

function text(x, y, words, anchor) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
