// The figures of one record as tables, with what each means; and those that it does not have.

import { drawBar } from "./charts.js";
import { el } from "./dom.js";
import {
  FAMILIES,
  familyOf,
  formatFigure,
  formatInterval,
  GROUPS,
  labelOf,
  nameReference,
  SHARES,
  sortNames,
} from "./figures.js";

const COPYING_BELOW = 0.9;
const TELLING = ["fid", "cas", "coverage", "label_agreement"];

/** Draw all figures of a record: what they rest on, the telling ones large, and each with its meaning. */
export function drawFigures(record) {
  return [drawFacts(record), drawTop(record), ...GROUPS.map((group) => drawGroup(group, record)), drawOthers(record)];
}

function drawFacts(record) {
  const facts = [
    ["Protocol", record.protocol],
    ["Samples", `${record.num_samples.toLocaleString("en")} of seed ${record.seed}`],
    ["Real images", nameReference(record)],
    ["Judge", `${record.judge.description}`],
  ];
  return [
    el("dl.facts.record-facts", {}, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    record.reference.split === "train" && el(
      "p.notice.warn",
      {},
      "Held against the training images, for the data has no test split: a generator that copies would look good. Read distance, precision and recall with care.",
    ),
    record.protocol === "quick" && el(
      "p.notice",
      {},
      "The quick protocol finds broken generators, and cannot tell good from very good.",
    ),
  ];
}

function drawTop(record) {
  const top = TELLING.map((family) =>
    Object.keys(record.metrics).find((name) => familyOf(name) === family),
  ).filter(Boolean);
  return el(
    "ul.tiles",
    { "aria-label": "The telling figures" },
    top.map((name) => {
      const { value, floor } = record.metrics[name];
      return el(
        "li.tile",
        {},
        el("span.tile-name", {}, labelOf(name)),
        el("span.tile-value", {}, formatFigure(value)),
        el("span.hint", {}, floor === undefined ? "no floor" : `real images: ${formatFigure(floor)}`),
      );
    }),
  );
}

function drawGroup(group, record) {
  const names = sortNames(Object.keys(record.metrics)).filter((name) => group.families.includes(familyOf(name)));
  return names.length > 0 && drawTable(group.title, `group-${group.id}`, names, record);
}

function drawOthers(record) {
  const names = Object.keys(record.metrics).filter((name) => !FAMILIES[familyOf(name)]);
  return names.length > 0 && drawTable("Other figures", "group-others", names, record);
}

function drawTable(title, id, names, record) {
  return el(
    "section.section",
    { "aria-labelledby": id },
    el("h2", { id }, title),
    el(
      "table.table.figure-table.stacking",
      { role: "table", "aria-labelledby": id },
      el(
        "thead",
        { role: "rowgroup" },
        el(
          "tr",
          { role: "row" },
          ["Figure", "Value", "95 % interval", "Real images"].map((head, place) =>
            el(place ? "th.num" : "th", { scope: "col", role: "columnheader" }, head),
          ),
          el("th", { scope: "col", role: "columnheader" }, el("span.visually-hidden", {}, "Plot")),
        ),
      ),
      el("tbody", { role: "rowgroup" }, names.map((name) => drawRow(name, record.metrics[name]))),
    ),
  );
}

function drawRow(name, metric) {
  const family = familyOf(name);
  const way = metric.better === "lower" ? "lower is better" : "higher is better";
  const cell = (label, text) => el("td.num", { role: "cell", data: { label } }, text);
  const copies = family === "memorisation" && metric.value < COPYING_BELOW;
  return el(
    "tr",
    { role: "row" },
    el(
      "th",
      { scope: "row", role: "rowheader" },
      el("span.figure-name", {}, labelOf(name), el("span.chip", {}, way), copies && el("span.chip.bad", {}, "copies?")),
      el("code.protocol", {}, name),
      FAMILIES[family] && el("span.says", {}, FAMILIES[family].says),
    ),
    el("td.num.value", { role: "cell", data: { label: "Value" } }, formatFigure(metric.value)),
    cell("95 % interval", metric.interval ? formatInterval(metric.interval) : "not known"),
    cell("Real images", metric.floor === undefined ? "not measured" : formatFigure(metric.floor)),
    el("td.plot-cell", { role: "cell" }, drawBar({ ...metric, high: SHARES.has(family) ? 1 : undefined })),
  );
}

/** Draw which figures a record does not have, and what they need. */
export function drawMissing(record) {
  const have = new Set(Object.keys(record.metrics).map(familyOf));
  const missing = GROUPS.flatMap((group) => group.families).filter((family) => !have.has(family));
  return missing.length > 0 && el(
    "section.section",
    { "aria-labelledby": "missing-title" },
    el("h2", { id: "missing-title" }, "Not in this record"),
    el(
      "dl.facts.missing",
      {},
      missing.map((family) =>
        [
          el("dt", {}, FAMILIES[family].label),
          el("dd", {}, FAMILIES[family].needs ? `needs ${FAMILIES[family].needs}` : "not measured"),
        ],
      ),
    ),
  );
}
