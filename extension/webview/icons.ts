/** Small line drawings, made as elements: no font to load, no markup to parse, and they take the text's colour. */

const SVG = 'http://www.w3.org/2000/svg';

/** Paths on a grid of 16 by 16. `f:` is filled, everything else is a line. */
const PATHS = {
  start: ['M1.500 8.500h3l2-5.500 3 10 2-4.500h3'],
  stop: ['f:M4 4h8v8H4z'],
  clear: ['M2.500 4.500h11M2.500 8h5M2.500 11.500h3.500', 'M9 9l4.500 4.500M13.500 9L9 13.500'],
  close: ['M4 4l8 8M12 4l-8 8'],
  search: ['M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z', 'M10.3 10.3L14 14'],
  copy: ['M5.5 5.5h8v8h-8z', 'M10.5 5.5v-3h-8v8h3'],
  eye: [
    'M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8 12.1 12.2 8 12.2 1.5 8 1.5 8z',
    'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  ],
  eyeClosed: [
    'M1.5 6.5S3.900 10.200 8 10.200s6.500-3.700 6.500-3.700',
    'M3.600 8.800l-1.300 2M8 10.200v2.300M12.400 8.800l1.300 2',
  ],
  right: ['M6 3.500l4.500 4.500L6 12.500'],
  bothEnds: ['M2.500 5.500h9.500M9 2.500l3 3-3 3', 'M13.500 10.500H4M7 7.500l-3 3 3 3'],
  nest: ['M2.500 3.500h7M5.500 8h8M8.500 12.500h5', 'M3.500 5.500v2.500h1M6.500 10v2.500h1'],
  down: ['M8 3v9.500M4.200 8.800L8 12.600l3.800-3.800'],
  help: [
    'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12z',
    'M6.2 6.300a1.900 1.900 0 1 1 2.600 1.800c-.5.2-.8.6-.8 1.100v.3',
    'M8 11.300v.5',
  ],
  star: ['M8 2.200l1.800 3.700 4 .600-2.900 2.800.700 4-3.600-1.900-3.600 1.900.700-4-2.900-2.800 4-.600z'],
  pin: [
    'M9.500 2.500l4 4-2.600.600-2.900 2.900-.400 2.500-4.100-4.100 2.500-.400 2.900-2.900z',
    'M5.500 10.500l-3 3',
  ],
  more: ['M4 4.500l3.500 3.500L4 11.500M8.500 4.500L12 8l-3.500 3.500'],
  warning: ['M8 2.200L14.500 13.500h-13z', 'M8 6.500v3.500M8 11.300v1'],
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('width', '16');
  svg.setAttribute('height', '16');
  svg.setAttribute('aria-hidden', 'true');
  for (const path of PATHS[name]) {
    const element = document.createElementNS(SVG, 'path');
    const filled = path.startsWith('f:');
    element.setAttribute('d', filled ? path.slice(2) : path);
    element.setAttribute('class', filled ? 'filled' : 'line');
    svg.append(element);
  }
  return svg;
}
