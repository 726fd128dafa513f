// All figures of one version: what each means, how sure it is, class by class, and from version to version.

import { getKey } from "./api.js";
import { drawBar, drawHistory, drawParts } from "./charts.js";
import { writeCommand } from "./copy.js";
import { copyText, el, find, put } from "./dom.js";
import { FAMILIES, familyOf, findObstacle, formatFigure, formatInterval, formatShare, GROUPS, labelOf, nameReference, recordOf, SHARES, sortNames } from "./figures.js";
import { listModels, showProblem } from "./shell.js";
import { fillVersions, findReference, getDetail, keepAddress, nameVersion } from "./versions.js";

const LOW_AGREEMENT = 0.95;
const MANY_CLASSES = 24;

const state = { models: [], chosen: null, figure: null };

async function start() {
  const query = new URLSearchParams(location.search);
  try {
    state.models = await listModels();
    if (!state.models.length) return showNoModels();
    state.figure = query.get("figure");
    state.chosen = findReference(state.models, query.get("model")) ?? chooseFirst(state.models);
    fillVersions(find("#version"), state.models, state.chosen);
    await show();
  } catch (error) {
    showProblem(find("#problem"), error, start);
    find("#view").setAttribute("aria-busy", "false");
  }
}

function chooseFirst(models) {
  const measured = models.find((model) => Object.keys(model.versions.find(({ version }) => version === model.default_version)?.metrics ?? {}).length);
  return findReference(models, (measured ?? models[0]).name);
}

function showNoModels() {
  put(find("#view"), el("div.empty", {}, el("p", {}, "This service has no models yet. Publish one with ", el("code", {}, "fount train"), ".")));
  find("#view").setAttribute("aria-busy", "false");
}

async function show() {
  const { chosen } = state;
  const name = nameVersion(chosen);
  const view = find("#view");
  view.setAttribute("aria-busy", "true");
  find("#to-compare").href = `./compare?a=${name}`;
  find("#to-generate").href = `./generate?model=${name}`;
  try {
    put(find("#problem"));
    const versions = [...chosen.model.versions].sort((one, other) => one.version - other.version);
    const [detail, ...others] = await Promise.all([getDetail(chosen), ...versions.map(({ version }) => getDetail({ model: chosen.model, version }))]);
    if (state.chosen !== chosen) return;
    const record = recordOf(detail);
    const history = versions.map(({ version }, place) => ({ version, record: recordOf(others[place]) }));
    put(view, record ? drawRecord(record, history) : drawUnmeasured(name, history));
    find("#said").textContent = record ? `Figures of ${name}.` : `Nobody has measured ${name}.`;
    keepState();
  } catch (error) {
    showProblem(find("#problem"), error, show);
  }
  view.setAttribute("aria-busy", "false");
}

function keepState() {
  const query = new URLSearchParams({ model: nameVersion(state.chosen) });
  if (state.figure) query.set("figure", state.figure);
  keepAddress(query);
}

function drawUnmeasured(name, history) {
  const command = writeCommand(["fount", "evaluate", name, "--data", "SOURCE", "--record"]);
  const measured = history.filter(({ record }) => record).map(({ version }) => version);
  return el(
    "div.notice.warn",
    {},
    el("p", {}, el("strong", {}, `Nobody has measured ${name}.`), " Its samples may be good or bad; no figure says so."),
    el("p", {}, "This measures it, and publishes the same weights with the figures as the next version. SOURCE is what it was trained on."),
    el("div.code", {}, el("pre", { tabindex: "0" }, el("code", {}, command)), el("button.button.copy", { type: "button", on: { click: () => copyText(command, "Code copied") } }, "Copy")),
    measured.length > 0 && el("p", {}, "Measured versions: ", measured.map((version, place) => [place > 0 && ", ", linkVersion(version)]), "."),
  );
}

function linkVersion(version) {
  const name = nameVersion({ model: state.chosen.model, version });
  return el("a", { href: `./evaluation?model=${name}` }, name);
}

function drawRecord(record, history) {
  return [drawFacts(record), drawTop(record), ...GROUPS.map((group) => drawGroup(group, record)), drawOthers(record), drawClasses(record), drawMissing(record), drawVersions(record, history)];
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
    record.reference.split === "train" && el("p.notice.warn", {}, "Held against the training images, for the data has no test split: a generator that copies would look good. Read distance, precision and recall with care."),
    record.protocol === "quick" && el("p.notice", {}, "The quick protocol finds broken generators, and cannot tell good from very good."),
  ];
}

function drawTop(record) {
  const top = ["fid", "cas", "coverage", "label_agreement"].map((family) => Object.keys(record.metrics).find((name) => familyOf(name) === family)).filter(Boolean);
  return el(
    "ul.tiles",
    { "aria-label": "The telling figures" },
    top.map((name) => {
      const { value, floor } = record.metrics[name];
      return el("li.tile", {}, el("span.tile-name", {}, labelOf(name)), el("span.tile-value", {}, formatFigure(value)), el("span.hint", {}, floor === undefined ? "no floor" : `real images: ${formatFigure(floor)}`));
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
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ["Figure", "Value", "95 % interval", "Real images"].map((head, place) => el(place ? "th.num" : "th", { scope: "col", role: "columnheader" }, head)), el("th", { scope: "col", role: "columnheader" }, el("span.visually-hidden", {}, "Plot")))),
      el("tbody", { role: "rowgroup" }, names.map((name) => drawRow(name, record.metrics[name]))),
    ),
  );
}

function drawRow(name, metric) {
  const family = familyOf(name);
  const way = metric.better === "lower" ? "lower is better" : "higher is better";
  const cell = (label, text) => el("td.num", { role: "cell", data: { label } }, text);
  const copies = family === "memorisation" && metric.value < 0.9;
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

function drawClasses(record) {
  const perClass = record.per_class ?? {};
  const agreement = perClass.label_agreement;
  const fid = perClass.fid;
  const known = [
    agreement && drawAgreement(agreement),
    fid && drawClassBars("FID within each class", "Distance of a class's samples to its real images; lower is better. Compare classes with care: some are harder than others.", "FID", Object.entries(fid), formatFigure),
    ...Object.entries(perClass).filter(([name]) => name !== "label_agreement" && name !== "fid").map(([name, values]) => drawClassBars(name, "", name, Object.entries(values), formatFigure)),
  ].filter(Boolean);
  return known.length > 0 && el("section.section", { "aria-labelledby": "classes-title" }, el("h2", { id: "classes-title" }, "Class by class"), el("div.pair-columns", {}, known));
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
    low.length > 0 && el("p.notice.warn", {}, `Label agreement is below ${LOW_AGREEMENT * 100} % for ${low.map(([name]) => name).join(", ")}: whoever balances with these classes adds wrong labels.`),
  );
}

function drawClassBars(title, text, head, entries, format, high = Math.max(...entries.map(([, value]) => value)), isLow = () => false) {
  const rows = (some) => some.map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td.num", {}, format(value), isLow(value) && el("span.visually-hidden", {}, ", high")), el("td.bar-cell", {}, drawParts([[Math.max(0, value), isLow(value) ? "part-warn" : "part-1"]], high))),
  );
  const table = el(
    "table.table.class-table",
    {},
    el("caption", {}, el("strong", {}, title), text && el("span", {}, ` ${text}`)),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Class"), el("th.num", { scope: "col" }, head), el("td"))),
  );
  const body = el("tbody", {}, rows(entries.slice(0, MANY_CLASSES)));
  table.append(body);
  const more = entries.length > MANY_CLASSES && el("button.button", { type: "button", on: { click: (event) => { put(body, rows(entries)); event.currentTarget.remove(); } } }, `Show all ${entries.length} classes`);
  return el("div.class-chart", {}, table, more);
}

function drawMissing(record) {
  const have = new Set(Object.keys(record.metrics).map(familyOf));
  const missing = GROUPS.flatMap((group) => group.families).filter((family) => !have.has(family));
  return missing.length > 0 && el(
    "section.section",
    { "aria-labelledby": "missing-title" },
    el("h2", { id: "missing-title" }, "Not in this record"),
    el("dl.facts.missing", {}, missing.map((family) => [el("dt", {}, FAMILIES[family].label), el("dd", {}, FAMILIES[family].needs ? `needs ${FAMILIES[family].needs}` : "not measured")])),
  );
}

function drawVersions(record, history) {
  const host = el("section.section", { "aria-labelledby": "history-title" });
  fillHistory(host, record, history);
  return host;
}

function fillHistory(host, record, history) {
  const heading = el("h2", { id: "history-title" }, "Version by version");
  const { model, version } = state.chosen;
  if (history.length < 2) return put(host, heading, el("p.hint", {}, `${model.name} has one version. Each that is published later appears here.`));
  const names = sortNames(Object.keys(record.metrics));
  const name = names.includes(state.figure) ? state.figure : names[0];
  const select = el("select", { id: "history-figure", on: { change: () => { state.figure = select.value; keepState(); fillHistory(host, record, history); find("#history-figure").focus(); } } }, names.map((one) => el("option", { value: one, selected: one === name }, `${labelOf(one)} (${one})`)));
  const points = history.map((one) => tellPoint(one, name, record, version));
  const { floor, better } = record.metrics[name];
  const measured = points.filter(({ value }) => value !== null);
  const text = `${points.map((point) => `${point.name}: ${point.value === null ? "not measured" : formatFigure(point.value)}`).join("; ")}. ${floor === undefined ? "" : `Real images: ${formatFigure(floor)}.`}`;
  return put(
    host,
    heading,
    el("div.row.history-choice", {}, el("label", { for: "history-figure" }, "Figure"), select),
    el("figure.history", {}, drawHistory({ title: `${labelOf(name)} of the versions of ${model.name}`, text, points, floor }), el("figcaption.hint", {}, `${better === "lower" ? "Lower" : "Higher"} is better. Whiskers are 95 % intervals.${points.some(({ kind }) => kind === "other") ? " Hollow points were measured in another way and cannot be held against the others." : ""}`)),
    el("details", {}, el("summary", {}, "As a table"), drawHistoryTable(points)),
    measured.length < points.length && el("p.hint", {}, `Without this figure: ${points.filter(({ value }) => value === null).map((point) => `${point.name} (${point.why})`).join(", ")}.`),
  );
}

function tellPoint({ version, record }, name, shown, shownVersion) {
  const metric = record?.metrics[name];
  const obstacle = record && findObstacle(shown, record);
  const common = { name: `v${version}`, version };
  if (!metric) return { ...common, value: null, interval: null, kind: "none", why: record ? "another protocol, or not part of its record" : "nobody measured it" };
  const kind = version === shownVersion ? "shown" : obstacle ? "other" : "same";
  return { ...common, value: metric.value, interval: metric.interval ?? null, kind, why: obstacle };
}

function drawHistoryTable(points) {
  return el(
    "table.table",
    {},
    el("thead", {}, el("tr", {}, ["Version", "Value", "95 % interval", "Comparable"].map((head, place) => el(place === 1 || place === 2 ? "th.num" : "th", { scope: "col" }, head)))),
    el("tbody", {}, points.map((point) => el("tr", {}, el("th", { scope: "row" }, linkVersion(point.version)), el("td.num", {}, formatFigure(point.value)), el("td.num", {}, formatInterval(point.interval) || "–"), el("td", {}, point.value === null ? point.why : point.kind === "shown" ? "shown here" : point.why ? `no: ${point.why}` : "yes")))),
  );
}

find("#version").addEventListener("change", (event) => {
  state.chosen = findReference(state.models, event.target.value);
  show();
});
document.addEventListener("fount:key", () => {
  if (getKey()) start();
});
start();
