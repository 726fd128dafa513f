// One figure from version to version.

import { drawHistory } from "./charts.js";
import { el, find, put } from "./dom.js";
import { findObstacle, formatFigure, formatInterval, labelOf, sortNames } from "./figures.js";
import { nameVersion } from "./versions.js";

/**
 * Draw a figure of all versions of a model.
 * @param {object} record Of the version that is shown.
 * @param {Array} history [{version, record}], oldest first; record null where nobody measured.
 * @param {object} shown `chosen` ({model, version}), `figure` (a name or null), `onFigure` (told which is chosen).
 */
export function drawVersions(record, history, shown) {
  const host = el("section.section", { "aria-labelledby": "history-title" });
  fillHistory(host, record, history, shown);
  return host;
}

function fillHistory(host, record, history, shown) {
  const heading = el("h2", { id: "history-title" }, "Version by version");
  const { model, version } = shown.chosen;
  if (history.length < 2) return put(
    host,
    heading,
    el("p.hint", {}, `${model.name} has one version. Each that is published later appears here.`),
  );
  const names = sortNames(Object.keys(record.metrics));
  const name = names.includes(shown.figure) ? shown.figure : names[0];
  const select = el(
    "select",
    {
      id: "history-figure",
      on: {
        change: () => {
          shown.onFigure(select.value);
          fillHistory(host, record, history, { ...shown, figure: select.value });
          find("#history-figure").focus();
        },
      },
    },
    names.map((one) => el("option", { value: one, selected: one === name }, `${labelOf(one)} (${one})`)),
  );
  const points = history.map((one) => tellPoint(one, name, record, version));
  const { floor, better } = record.metrics[name];
  const measured = points.filter(({ value }) => value !== null);
  const text = describePoints(points, floor);
  return put(
    host,
    heading,
    el("div.row.history-choice", {}, el("label", { for: "history-figure" }, "Figure"), select),
    el(
      "figure.history",
      {},
      drawHistory({ title: `${labelOf(name)} of the versions of ${model.name}`, text, points, floor }),
      el(
        "figcaption.hint",
        {},
        `${better === "lower" ? "Lower" : "Higher"} is better. Whiskers are 95 % intervals.`,
        points.some(({ kind }) => kind === "other") &&
          " Hollow points were measured in another way and cannot be held against the others.",
      ),
    ),
    el(
      "details",
      {},
      el("summary", {}, "As a table"),
      el("div.table-wrap", { tabindex: "0", role: "region", "aria-label": "Versions" }, drawHistoryTable(model, points)),
    ),
    measured.length < points.length && el(
      "p.hint",
      {},
      `Without this figure: ${points.filter(({ value }) => value === null).map((point) => `${point.name} (${point.why})`).join(", ")}.`,
    ),
  );
}

function describePoints(points, floor) {
  const said = points.map(({ name, value }) => `${name}: ${value === null ? "not measured" : formatFigure(value)}`);
  return [...said, ...(floor === undefined ? [] : [`real images: ${formatFigure(floor)}`])].join("; ");
}

function tellPoint({ version, record }, name, shown, shownVersion) {
  const metric = record?.metrics[name];
  const obstacle = record && findObstacle(shown, record);
  const common = { name: `v${version}`, version };
  if (!metric) return {
    ...common,
    value: null,
    interval: null,
    kind: "none",
    why: record ? "another protocol, or not part of its record" : "nobody measured it",
  };
  const kind = version === shownVersion ? "shown" : obstacle ? "other" : "same";
  return { ...common, value: metric.value, interval: metric.interval ?? null, kind, why: obstacle };
}

function drawHistoryTable(model, points) {
  return el(
    "table.table",
    {},
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ["Version", "Value", "95 % interval", "Comparable"].map((head, place) =>
          el(place === 1 || place === 2 ? "th.num" : "th", { scope: "col" }, head),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      points.map((point) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, linkVersion(model, point.version)),
          el("td.num", {}, formatFigure(point.value)),
          el("td.num", {}, formatInterval(point.interval) || "–"),
          el(
            "td",
            {},
            point.value === null ? point.why : point.kind === "shown" ? "shown here" : point.why ? `no: ${point.why}` : "yes",
          ),
        ),
      ),
    ),
  );
}

/** A link to a version's figures. */
export function linkVersion(model, version) {
  const name = nameVersion({ model, version });
  return el("a", { href: `./evaluation?model=${name}` }, name);
}
