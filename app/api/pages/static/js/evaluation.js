// All figures of one version: what each means, how sure it is, class by class, and from version to version.

import { getKey } from "./api.js";
import { writeCommand } from "./copy.js";
import { copyText, el, find, put } from "./dom.js";
import { drawClasses } from "./evaluation-classes.js";
import { drawFigures, drawMissing } from "./evaluation-figures.js";
import { drawVersions, linkVersion } from "./evaluation-history.js";
import { recordOf } from "./figures.js";
import { listModels, showProblem } from "./shell.js";
import { fillVersions, findReference, getDetail, keepAddress, nameVersion } from "./versions.js";

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
  const measured = models.find((model) =>
    Object.keys(model.versions.find(({ version }) => version === model.default_version)?.metrics ?? {}).length,
  );
  return findReference(models, (measured ?? models[0]).name);
}

function showNoModels() {
  put(
    find("#view"),
    el(
      "div.empty",
      {},
      el("p", {}, "This service has no models yet. Publish one with ", el("code", {}, "fount train"), "."),
    ),
  );
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
    const [detail, ...others] = await Promise.all(
      [getDetail(chosen), ...versions.map(({ version }) => getDetail({ model: chosen.model, version }))],
    );
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
    el(
      "p",
      {},
      el("strong", {}, `Nobody has measured ${name}.`),
      " Its samples may be good or bad; no figure says so.",
    ),
    el(
      "p",
      {},
      "This measures it, and publishes the same weights with the figures as the next version. SOURCE is what it was trained on.",
    ),
    el(
      "div.code",
      {},
      el("pre", { tabindex: "0" }, el("code", {}, command)),
      el("button.button.copy", { type: "button", on: { click: () => copyText(command, "Code copied") } }, "Copy"),
    ),
    measured.length > 0 && el(
      "p",
      {},
      "Measured versions: ",
      measured.map((version, place) => [place > 0 && ", ", linkVersion(state.chosen.model, version)]),
      ".",
    ),
  );
}

function drawRecord(record, history) {
  const shown = { chosen: state.chosen, figure: state.figure, onFigure: chooseFigure };
  return [drawFigures(record), drawClasses(record), drawMissing(record), drawVersions(record, history, shown)];
}

function chooseFigure(name) {
  state.figure = name;
  keepState();
}

find("#version").addEventListener("change", (event) => {
  state.chosen = findReference(state.models, event.target.value);
  show();
});
document.addEventListener("fount:key", () => {
  if (getKey()) start();
});
start();
