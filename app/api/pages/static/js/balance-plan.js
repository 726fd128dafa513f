// From what there is to what is made, class by class; and how far the labels of what is made can be trusted.

import { drawParts } from "./charts.js";
import { plural } from "./balance-counts.js";
import { el } from "./dom.js";
import { formatShare, LOW_AGREEMENT } from "./figures.js";

const MANY_CLASSES = 40;

/**
 * Plan.
 * @param {Map<string, number>} have
 * @param {"max"|number} to Size to bring every class to.
 * @returns {{rows: [{name, have, made, total}], total: number, target: number}}
 */
export function makePlan(have, to) {
  const target = to === "max" ? Math.max(0, ...have.values()) : to;
  const rows = [...have].map(([name, count]) => {
    const made = Math.max(0, target - count);
    return { name, have: count, made, total: count + made };
  });
  return { rows, target, total: rows.reduce((sum, row) => sum + row.made, 0) };
}

/**
 * Draw a plan.
 * @param {object} plan From `makePlan`.
 * @param {object} facts `reference`; `agreement`: share by class name, or null where nobody measured it.
 */
export function drawPlan(plan, { reference, agreement }) {
  const has = plan.rows.reduce((sum, row) => sum + row.have, 0);
  return [
    el(
      "p.plan-total",
      {},
      el("strong.num", {}, plan.total.toLocaleString("en")),
      el(
        "span",
        {},
        plan.total
          ? ` to generate: ${has.toLocaleString("en")} you have, ${(has + plan.total).toLocaleString("en")} in the end`
          : " to generate: every class is that large already",
      ),
    ),
    drawTable(plan, agreement),
    drawTrust(plan, reference, agreement),
  ];
}

function drawTable(plan, agreement) {
  const body = el(
    "tbody",
    { role: "rowgroup" },
    plan.rows.slice(0, MANY_CLASSES).map((row) => drawRow(row, plan, agreement)),
  );
  const heads = ["Have", "Generated", "Total", ...(agreement ? ["Right label"] : [])];
  const table = el(
    "table.table.stacking.plan-table",
    { role: "table", "aria-labelledby": "plan-title" },
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        el("th", { scope: "col", role: "columnheader" }, "Class"),
        heads.map((head) => el("th.num", { scope: "col", role: "columnheader" }, head)),
        el("th", { role: "columnheader" }, drawKey()),
      ),
    ),
    body,
  );
  const more = plan.rows.length > MANY_CLASSES && el(
    "button.button",
    {
      type: "button",
      on: {
        click: (event) => { body.replaceChildren(
          ...plan.rows.map((row) => drawRow(row, plan, agreement)),
        ); event.currentTarget.remove(); },
      },
    },
    `Show all ${plan.rows.length} classes`,
  );
  return [table, more];
}

function drawKey() {
  return el(
    "span.plan-key",
    {},
    el("span", {}, el("span.key.key-have", { "aria-hidden": "true" }), "you have"),
    el("span", {}, el("span.key.series-1", { "aria-hidden": "true" }), "generated"),
  );
}

function drawRow(row, plan, agreement) {
  const high = Math.max(...plan.rows.map(({ total }) => total), 1);
  const share = agreement?.[row.name];
  const isLow = share !== undefined && share < LOW_AGREEMENT;
  const cell = (label, ...children) => el("td.num", { role: "cell", data: { label } }, children);
  return el(
    "tr",
    { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, row.name),
    cell("Have", row.have.toLocaleString("en")),
    cell("Generated", el(row.made ? "strong" : "span.quiet-text", {}, row.made.toLocaleString("en"))),
    cell("Total", row.total.toLocaleString("en")),
    agreement && cell(
      "Right label",
      share === undefined ? "–" : formatShare(share),
      isLow && el("span.chip.bad", {}, "low"),
    ),
    el(
      "td.plot-cell",
      { role: "cell" },
      drawParts([[row.have, "part-quiet"], [row.made, isLow ? "part-warn" : "part-1"]], high, 16),
    ),
  );
}

function drawTrust(plan, reference, agreement) {
  const parts = [];
  if (!agreement) {
    parts.push(
      el(
        "div.notice.warn",
        {},
        el("p", {}, el("strong", {}, `Nobody has measured whether ${reference} draws the class it is asked for.`)),
        el(
          "p",
          {},
          el("code", {}, `fount evaluate ${reference} --data SOURCE --record`),
          " does; look at samples of the rare classes before you train on them.",
        ),
      ),
    );
  } else {
    parts.push(...drawWrongLabels(plan, reference, agreement));
  }
  parts.push(
    el(
      "div.notice",
      {},
      el(
        "p",
        {},
        el("strong", {}, "Whether this helps your classifier must be measured."),
        " Generated images may teach nothing new, or do harm; augmentation of the real ones often does more. ",
        el("code", {}, "fount study utility --data SOURCE"),
        " compares them on your data, with intervals, and may answer no. Test on real images only.",
      ),
    ),
  );
  return parts;
}

function drawWrongLabels(plan, reference, agreement) {
  const made = plan.rows.filter((row) => row.made);
  const wrong = countWrong(made, agreement);
  const low = made.filter((row) => agreement[row.name] < LOW_AGREEMENT);
  const parts = [];
  if (low.length) {
    parts.push(
      el(
        "div.notice.bad",
        {},
        el(
          "p",
          {},
          el(
            "strong",
            {},
            `${reference} often draws another class when asked for ${low.map((row) => row.name).join(", ")}.`,
          ),
          ` About ${plural(countWrong(low, agreement), "image", "images")} of ${low.length === 1 ? "it" : "them"} would`,
          " carry a wrong label. Choose another version, or fewer of these.",
        ),
      ),
    );
  }
  if (plan.total) parts.push(
    el(
      "p.hint",
      {},
      "Right label: share of generated images that the judge takes for their class. By that, about ",
      `${wrong.toLocaleString("en")} of the ${plural(plan.total, "generated image", "generated images")} may look like`,
      " another class; the judge errs, too.",
      " ",
      el("a", { href: `./evaluation?model=${reference}` }, "All figures"),
    ),
  );
  return parts;
}

/** How many of what is made may look like another class. */
function countWrong(rows, agreement) {
  return Math.round(rows.reduce((sum, row) => sum + row.made * (1 - (agreement[row.name] ?? 1)), 0));
}
