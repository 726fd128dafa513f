// Figures of two versions beside each other, and in words which is better where.

import { drawPoints } from "./charts.js";
import { el } from "./dom.js";
import {
  familyOf,
  findObstacle,
  findWinner,
  formatFigure,
  formatInterval,
  labelOf,
  nameReference,
  sharesFigure,
  sortNames,
} from "./figures.js";

/**
 * Draw what two records say of each other.
 * @param {[string, string]} names References of both.
 * @param {[object|null, object|null]} records
 */
export function drawComparison(names, records) {
  const missing = names.filter((_, side) => !records[side]);
  if (missing.length === 2 || (missing.length && names[0] === names[1])) return drawUnmeasured([...new Set(missing)]);
  if (missing.length) {
    const measured = names.find((_, side) => records[side]);
    const table = drawTable(names, records, new Map(), null);
    return [drawUnmeasured(missing), el("details", {}, el("summary", {}, `Figures of ${measured} alone`), table)];
  }
  const [first, second] = records;
  const obstacle = findObstacle(first, second);
  const shared = sortNames(Object.keys(first.metrics)).filter((name) => sharesFigure(name, first, second));
  const winners = new Map(
    obstacle ? [] : shared.map((name) => [name, findWinner(first.metrics[name], second.metrics[name])]),
  );
  return [
    obstacle ? drawObstacle(obstacle) : drawVerdict(names, winners),
    drawTable(names, records, winners, obstacle),
    drawProtocols(names, records),
  ];
}

function drawUnmeasured(names) {
  return el(
    "div.notice.warn",
    {},
    el(
      "p",
      {},
      el("strong", {}, `Nobody has measured ${names.join(" and ")}.`),
      " So there is nothing to hold against each other.",
    ),
    names.map((name) => el("p", {}, el("code", {}, `fount evaluate ${name} --data SOURCE --record`), " does that.")),
  );
}

function drawObstacle(obstacle) {
  return el(
    "div.notice.warn",
    {},
    el("p", {}, el("strong", {}, "These figures cannot be held against each other:"), ` ${obstacle}.`),
    el("p", {}, "They are shown beside each other, and nothing is concluded from them."),
  );
}

function drawVerdict(names, winners) {
  const won = (side) => [...winners].filter(([, winner]) => winner === side).map(([name]) => labelOf(name));
  const sentences = [
    [names[0], won("first")],
    [names[1], won("second")],
  ].filter(([, labels]) => labels.length).map(([name, labels]) => el("p", {}, el("strong", {}, `${name} is better`), ` by ${joinWords(labels)}.`));
  const isEven = [...winners.values()].some((winner) => winner === null);
  return el(
    "div.notice",
    {},
    sentences.length ? sentences : el(
      "p",
      {},
      el(
        "strong",
        {},
        names[0] === names[1] ? "One version, twice: nothing differs." : "No figure differs by more than its interval.",
      ),
    ),
    sentences.length > 0 && isEven && el("p", {}, "The other figures do not differ by more than their intervals."),
  );
}

function joinWords(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function drawTable(names, records, winners, obstacle) {
  const all = sortNames(new Set(records.flatMap((record) => Object.keys(record?.metrics ?? {}))));
  const heads = ["Figure", `A ${names[0]}`, `B ${names[1]}`, "B − A", "Real images"];
  return el(
    "table.table.stacking.comparison",
    { role: "table", "aria-labelledby": "figures-title" },
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        heads.map((head, place) =>
          el(
            place ? "th.num" : "th",
            { scope: "col", role: "columnheader" },
            place === 1 || place === 2 ? drawHead(head, place) : head,
          ),
        ),
        el("th", { scope: "col", role: "columnheader" }, el("span.visually-hidden", {}, "Plot")),
      ),
    ),
    el("tbody", { role: "rowgroup" }, all.map((name) => drawRow(name, records, winners, obstacle))),
  );
}

function drawHead(head, side) {
  return [el(`span.key.series-${side}`, { "aria-hidden": "true" }), head];
}

function drawRow(name, records, winners, obstacle) {
  const pair = records.map((record) => record?.metrics[name] ?? null);
  const known = pair[0] ?? pair[1];
  const winner = winners.get(name) ?? null;
  const isComparable = pair[0] && pair[1] && !obstacle;
  const apart = isComparable ? pair[1].value - pair[0].value : null;
  const floors = [...new Set(pair.map((metric) => metric?.floor).filter((floor) => floor !== undefined))];
  return el(
    "tr",
    { role: "row" },
    el(
      "th",
      { scope: "row", role: "rowheader" },
      el("span.figure-name", {}, labelOf(name)),
      el("code.protocol", {}, name),
      el("span.hint.way", {}, known.better === "lower" ? "lower is better" : "higher is better"),
    ),
    drawValue("A", pair[0], winner === "first"),
    drawValue("B", pair[1], winner === "second"),
    el(
      "td.num",
      { role: "cell", data: { label: "B − A" } },
      apart === null ? el("span.quiet-text", {}, explainGap(name, pair, records, obstacle)) : [
        apart > 0 ? "+" : "",
        formatFigure(apart),
        el(
          "span.interval",
          {},
          weighGap(apart, winner, pair),
        ),
      ],
    ),
    el(
      "td.num",
      { role: "cell", data: { label: "Real images" } },
      floors.length ? floors.map((floor) => formatFigure(floor)).join(", ") : "–",
    ),
    el(
      "td.plot-cell",
      { role: "cell" },
      drawPoints(
        {
          rows: pair.map((metric, side) => metric && { ...metric, series: side + 1 }),
          floor: floors.length === 1 ? floors[0] : null,
        },
      ),
    ),
  );
}

function weighGap(apart, winner, pair) {
  if (apart === 0) return "the same";
  if (pair[0].interval && pair[1].interval) return winner ? "beyond both intervals" : "within the intervals";
  return winner ? "beyond 2 % of each" : "within 2 %";
}

function drawValue(side, metric, isBetter) {
  if (!metric) return el("td.num", { role: "cell", data: { label: side } }, el("span.quiet-text", {}, "not measured"));
  return el(
    "td.num",
    { role: "cell", data: { label: side } },
    el(isBetter ? "strong" : "span", {}, formatFigure(metric.value)),
    metric.interval && el("span.interval", {}, formatInterval(metric.interval)),
    isBetter && el("span.chip.good", {}, "better"),
  );
}

function explainGap(name, pair, records, obstacle) {
  if (!pair[0] || !pair[1]) return "only one has it";
  if (obstacle) return "not comparable";
  return familyOf(name).startsWith("inception_") && records[0].inception?.sha256 !== records[1].inception?.sha256 ? "other weights" : "–";
}

function drawProtocols(names, records) {
  const facts = (record) =>
    [
      `${record.protocol} protocol, ${record.num_samples.toLocaleString("en")} samples of seed ${record.seed}`,
      `real images: ${nameReference(record)}`,
      `judge right about ${(100 * record.judge.accuracy).toFixed(2)} %`,
    ].join("; ");
  return el(
    "div.hint.protocols",
    {},
    records.map((record, side) => el("p", {}, el("strong", {}, `${"AB"[side]} ${names[side]}: `), facts(record), ".")),
    el(
      "p",
      {},
      "A difference counts where the 95 % intervals of both do not touch; a figure without an interval is given 2 % to both sides. The dashed line is what real images score.",
    ),
  );
}
