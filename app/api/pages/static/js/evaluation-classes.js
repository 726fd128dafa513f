// The figures of each class by itself.

import { drawParts } from "./charts.js";
import { el, put } from "./dom.js";
import { formatFigure, formatShare, LOW_AGREEMENT } from "./figures.js";

const MANY_CLASSES = 24;

/** Draw what a record says of single classes; nothing where it says nothing. */
export function drawClasses(record) {
  const perClass = record.per_class ?? {};
  const agreement = perClass.label_agreement;
  const fid = perClass.fid;
  const known = [
    agreement && drawAgreement(agreement),
    fid && drawClassBars(
      "FID within each class",
      "Distance of a class's samples to its real images; lower is better. Compare classes with care: some are harder than others.",
      "FID",
      Object.entries(fid),
      formatFigure,
    ),
    ...Object.entries(perClass).filter(([name]) => name !== "label_agreement" && name !== "fid").map(
      ([name, values]) => drawClassBars(name, "", name, Object.entries(values), formatFigure),
    ),
  ].filter(Boolean);
  return known.length > 0 && el(
    "section.section",
    { "aria-labelledby": "classes-title" },
    el("h2", { id: "classes-title" }, "Class by class"),
    el("div.pair-columns", {}, known),
  );
}

function drawAgreement(agreement) {
  const entries = Object.entries(agreement);
  const wrong = entries.map(([name, share]) => [name, 1 - share]);
  const low = entries.filter(([, share]) => share < LOW_AGREEMENT);
  return el(
    "div",
    {},
    drawClassBars(
      "Samples taken for another class",
      "Share that the judge takes for another class than the one asked for; the judge errs, too.",
      "Another class",
      wrong,
      (share) => formatShare(Math.max(0, share)),
      Math.max(0.05, ...wrong.map(([, share]) => share)),
      (share) => share > 1 - LOW_AGREEMENT,
    ),
    low.length > 0 && el(
      "p.notice.warn",
      {},
      `Label agreement is below ${LOW_AGREEMENT * 100} % for ${low.map(([name]) => name).join(", ")}: whoever balances with these classes adds wrong labels.`,
    ),
  );
}

function drawClassBars(
  title,
  text,
  head,
  entries,
  format,
  high = Math.max(...entries.map(([, value]) => value)),
  isLow = () => false,
) {
  const rows = (some) => some.map(([name, value]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, name),
      el("td.num", {}, format(value), isLow(value) && el("span.visually-hidden", {}, ", high")),
      el("td.bar-cell", {}, drawParts([[Math.max(0, value), isLow(value) ? "part-warn" : "part-1"]], high)),
    ),
  );
  const table = el(
    "table.table.class-table",
    {},
    el("caption", {}, el("strong", {}, title), text && el("span", {}, ` ${text}`)),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Class"), el("th.num", { scope: "col" }, head), el("td"))),
  );
  const body = el("tbody", {}, rows(entries.slice(0, MANY_CLASSES)));
  table.append(body);
  const more = entries.length > MANY_CLASSES && el(
    "button.button",
    { type: "button", on: { click: (event) => { put(body, rows(entries)); event.currentTarget.remove(); } } },
    `Show all ${entries.length} classes`,
  );
  return el("div.class-chart", {}, table, more);
}
