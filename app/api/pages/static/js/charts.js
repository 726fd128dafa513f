// Plots as SVG. Widths are shares of whatever room there is, so that text keeps its size on every screen.

import { svg } from "./dom.js";

const percent = (share) => `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;

/** A scale from values to shares of the width, inside margins of 2 %. */
function scale(low, high) {
  const span = high - low || 1;
  return (value) => 0.02 + (0.96 * (value - low)) / span;
}

/**
 * Draw a bar from 0 with the whiskers of its interval, and a mark where real images are. The numbers must be beside it:
 * it is hidden from screen readers.
 * @param {object} figure `value`; `interval` and `floor`, where there are; `high`, the end of the scale, else what fits.
 */
export function drawBar({ value, interval, floor, high }) {
  const all = [0, value, ...(interval ?? []), ...(floor === null || floor === undefined ? [] : [floor])];
  const top = high ?? (Math.max(...all) || 1);
  const at = scale(Math.min(...all), Math.max(top, ...all));
  const ends = [at(0), at(value)].sort((one, other) => one - other);
  return svg(
    "svg",
    { class: "plot bar-plot", height: 26, "aria-hidden": "true", focusable: "false" },
    svg("rect", { class: "track", x: percent(at(Math.min(...all))), y: 8, width: "96%", height: 10, rx: 2 }),
    svg(
      "rect",
      {
        class: "bar-fill",
        x: percent(ends[0]),
        y: 8,
        width: percent(Math.max(0.004, ends[1] - ends[0])),
        height: 10,
        rx: 2,
      },
    ),
    interval && drawWhisker(at, interval, 13),
    drawFloor(at, floor, 3, 23),
  );
}

/**
 * Draw the figures of several versions as points with whiskers, one above the other; hidden from screen readers.
 * @param {object} plot `rows`: [{value, interval, series}], null for none; `floor`.
 */
export function drawPoints({ rows, floor }) {
  const given = rows.filter(Boolean);
  const all = given.flatMap(({ value, interval }) => [value, ...(interval ?? [])]);
  if (floor !== null && floor !== undefined) all.push(floor);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  const at = scale(low - room, high + room);
  const height = 16 * rows.length + 6;
  return svg(
    "svg",
    { class: "plot point-plot", height, "aria-hidden": "true", focusable: "false" },
    drawFloor(at, floor, 0, height),
    rows.map((row, place) => row && drawPoint(at, row, 16 * place + 11)),
  );
}

function drawPoint(at, { value, interval, series }, y) {
  return svg(
    "g",
    { class: `series-${series}` },
    interval && drawWhisker(at, interval, y),
    svg("circle", { class: "point", cx: percent(at(value)), cy: y, r: 4 }),
  );
}

function drawWhisker(at, [low, high], y) {
  const [x1, x2] = [percent(at(low)), percent(at(high))];
  return svg(
    "g",
    { class: "whisker" },
    svg("line", { x1, x2, y1: y, y2: y }),
    svg("line", { x1, x2: x1, y1: y - 4, y2: y + 4 }),
    svg("line", { x1: x2, x2, y1: y - 4, y2: y + 4 }),
  );
}

function drawFloor(at, floor, y1, y2) {
  if (floor === null || floor === undefined) return null;
  const x = percent(at(floor));
  return svg("line", { class: "floor", x1: x, x2: x, y1, y2 });
}

/** Draw a bar of a share of `high`, of one or more parts [[value, class], …]; hidden from screen readers. */
export function drawParts(parts, high, height = 14) {
  let from = 0;
  const rects = parts.map(([value, name]) => {
    const width = high > 0 ? value / high : 0;
    const rect = value > 0 && svg(
      "rect",
      { class: name, x: percent(from), y: 0, width: percent(Math.max(width, 0.004)), height },
    );
    from += width;
    return rect;
  });
  return svg(
    "svg",
    { class: "plot parts-plot", height, "aria-hidden": "true", focusable: "false" },
    svg("rect", { class: "track", x: 0, y: 0, width: "100%", height }),
    rects,
  );
}

let count = 0;
const TOP = 16;
const BOTTOM = 30;
const HEIGHT = 240;

/**
 * Draw one figure of one version after another.
 * @param {object} plot `title` and `text` for screen readers; `points`: [{name, value, interval, kind}], value null where
 *   nobody measured; `kind` "shown", "same" or "other" (not comparable); `floor`.
 */
export function drawHistory({ title, text, points, floor }) {
  const id = `plot-${(count += 1)}`;
  const measured = points.filter(({ value }) => value !== null);
  const all = measured.flatMap(({ value, interval }) => [value, ...(interval ?? [])]);
  if (floor !== null && floor !== undefined) all.push(floor);
  const ticks = chooseTicks(Math.min(...all), Math.max(...all));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  const x = (place) => 0.14 + 0.82 * ((place + 0.5) / points.length);
  return svg(
    "svg",
    { class: "plot history-plot", height: HEIGHT, role: "img", "aria-labelledby": `${id}-title ${id}-text` },
    svg("title", { id: `${id}-title` }, title),
    svg("desc", { id: `${id}-text` }, text),
    ticks.map((tick) => [
      svg("line", { class: "rule", x1: "13%", x2: "100%", y1: y(tick), y2: y(tick) }),
      svg("text", { class: "tick", x: "12%", y: y(tick) + 4, "text-anchor": "end" }, String(tick)),
    ]),
    floor !== null && floor !== undefined && [
      svg("line", { class: "floor", x1: "13%", x2: "100%", y1: y(floor), y2: y(floor) }),
      svg("text", { class: "floor-name", x: "13.5%", y: y(floor) - 5 }, "real images"),
    ],
    drawJoints(points, x, y),
    points.map((point, place) => drawVersion(point, x(place), y)),
  );
}

function drawJoints(points, x, y) {
  const placed = points.map((point, place) => ({ ...point, place })).filter(({ value, kind }) =>
    value !== null && kind !== "other",
  );
  return placed.slice(1).map((point, before) => {
    const last = placed[before];
    return svg(
      "line",
      { class: "joint", x1: percent(x(last.place)), y1: y(last.value), x2: percent(x(point.place)), y2: y(point.value) },
    );
  });
}

function drawVersion({ name, value, interval, kind }, share, y) {
  const x = percent(share);
  const label = svg(
    "text",
    { class: `tick name${kind === "shown" ? " shown" : ""}`, x, y: HEIGHT - 10, "text-anchor": "middle" },
    name,
  );
  if (value === null) return [
    svg("text", { class: "tick", x, y: HEIGHT - BOTTOM - 6, "text-anchor": "middle" }, "–"),
    label,
  ];
  const whisker = interval && svg(
    "g",
    { class: "whisker" },
    svg("line", { x1: x, x2: x, y1: y(interval[0]), y2: y(interval[1]) }),
    interval.map((end) =>
      svg("rect", { class: "cap", x, y: y(end) - 0.75, width: 9, height: 1.5, transform: "translate(-4.5 0)" }),
    ),
  );
  return [
    svg(
      "g",
      { class: `version ${kind}` },
      whisker,
      svg("circle", { class: "point", cx: x, cy: y(value), r: kind === "shown" ? 6 : 4.5 }),
    ),
    label,
  ];
}

/** Round numbers from below `low` to above `high`. */
function chooseTicks(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from(
    { length: Math.max(2, last - first + 1) },
    (_, place) => Number(((first + place) * step).toPrecision(10)),
  );
}
