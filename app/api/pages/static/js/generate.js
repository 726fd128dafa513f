// The generator page: a form, a grid that fills as it streams, and an address that holds it all.

import { address, getJson, request, samplePath } from "./api.js";
import { showCopies } from "./copy.js";
import { copyText, el, find, formatNumber, formatSeconds, put, toast } from "./dom.js";
import { Form } from "./generate-form.js";
import { fillGrid, fitScale, Grid, hideSheet, showSheet } from "./generate-grid.js";
import { buildBody, describeSamples, FORMATS, readState, writeState } from "./generate-state.js";
import { compareAgain, download } from "./generate-take.js";
import { openView } from "./generate-view.js";
import { Walk } from "./generate-walk.js";
import { listModels, showProblem } from "./shell.js";

const AT_ONCE = 256; // more are asked for with the button only
const DEFAULTS = { count: 64, seed: 42n, truncation: 1, preset: "", classes: [] };
const PATIENCE_MS = 400; // until the contact sheet is shown in the meantime

const page = { models: [], state: null, running: null, served: null, scale: null };
const form = new Form(changed);
const grid = new Grid(find("#grid"), choose);
const walk = new Walk(
  () => page.state && { ...page.state, size: imageSize() },
  (next) => {
    page.state = { ...page.state, walk: next };
    history.replaceState(null, "", writeState(page.state));
  },
);

async function start() {
  put(find("#format"), FORMATS.map(([name, label]) => el("option", { value: name }, label)));
  try {
    page.models = await listModels();
  } catch (error) {
    showProblem(find("#problem"), error, start);
    return;
  }
  put(find("#problem"));
  if (!page.models.length) {
    put(find("#problem"), el("p.notice", {}, "There are no models yet. ", el("a", { href: "./" }, "How to make one")));
    return;
  }
  form.fillModels(page.models);
  getJson("/v1/augmentations/presets").then(({ presets }) => form.fillPresets(presets), () => {});
  restore();
  form.fold(page.state);
}

/** Show what the address says. */
function restore() {
  const read = readState(new URLSearchParams(location.search));
  const [name, selector] = (read.model ?? "").split("@");
  const model = page.models.find((one) => one.name === name) ?? pickFirst();
  const known = model.name === name ? resolve(model, selector) : null;
  const version = known ?? (model.default_version ?? model.versions.at(-1).version);
  if (read.model && known === null) toast(`There is no ${read.model} here; this is ${model.name}@${version}.`, "bad");
  page.state = {
    ...DEFAULTS,
    ...read,
    model: selector && known !== null ? `${model.name}@${selector}` : `${model.name}@${version}`,
    classes: read.classes.filter((one) => model.class_names.includes(one)),
  };
  page.state.walk ??= { from: { seed: page.state.seed, index: 0n }, to: { seed: page.state.seed + 1n, index: 0n }, frames: 16, classLabel: "" };
  writeForm();
  walk.write(page.state.walk);
  history.replaceState(null, "", writeState(page.state));
  run();
}

function pickFirst() {
  const measured = page.models.filter((one) => one.default_version !== null && one.versions.some((each) => Object.keys(each.metrics).length));
  return measured.find((one) => one.name === "mnist-gan") ?? measured[0] ?? page.models[0];
}

/** The version that a selector stands for; null if there is none. */
function resolve(model, selector) {
  if (selector === undefined || selector === "") return model.default_version;
  if (/^\d+$/.test(selector)) return model.versions.some((one) => one.version === Number(selector)) ? Number(selector) : null;
  return model.aliases[selector] ?? null;
}

function currentModel() {
  return page.models.find((one) => one.name === page.state.model.split("@")[0]);
}

function imageSize() {
  const { width, height } = currentModel().image ?? { width: 28, height: 28 };
  return { width, height };
}

function writeForm() {
  const model = currentModel();
  if (form.write(page.state, model)) walk.setClasses(model.class_names);
}

/** Read the form; null if it cannot be meant so. */
function readForm() {
  const read = page.state && form.read();
  return read && { ...page.state, ...read };
}

/** Something was chosen: show it at once if that is cheap. */
function changed() {
  const next = readForm();
  if (next && next.count <= AT_ONCE) go(next);
}

function go(next) {
  const model = page.models.find((one) => one.name === next.model.split("@")[0]);
  next.classes = next.classes.filter((one) => model.class_names.includes(one));
  const isNew = writeState(next) !== writeState(page.state);
  page.state = next;
  writeForm();
  if (isNew) history.pushState(null, "", writeState(next));
  return run();
}

// The run

async function run() {
  page.running?.abort();
  const abort = (page.running = new AbortController());
  const state = { ...page.state };
  const size = imageSize();
  const started = performance.now();
  let shown = 0;
  page.served = null;
  put(find("#problem"));
  put(find("#verdict"));
  drawScales(state.count, size);
  showCopies(find("#copies"), describeSamples(state, find("#format").value));
  grid.lay(state.count, size, page.scale);
  setRunning(true);
  say(`Generating ${state.count} samples.`);
  find("#status").textContent = "Asking…";
  const bar = (done) => find("#bar").style.setProperty("transform", `scaleX(${done / state.count})`);
  bar(0);
  const sheet = setTimeout(() => showSheet(grid, state.model), PATIENCE_MS);
  try {
    const response = await request("/v1/samples", {
      json: buildBody(state, "jsonl"),
      signal: abort.signal,
      onWait: (seconds) => {
        find("#status").textContent = `The service is busy; asking again in ${seconds} s.`;
      },
    });
    page.served = { model: response.headers.get("Fount-Model"), seed: state.seed, truncation: state.truncation, preset: state.preset, isAny: !state.classes.length };
    await fillGrid(response, grid, (done) => {
      shown = done;
      clearTimeout(sheet);
      hideSheet(grid);
      bar(done);
      find("#status").textContent = describeRate(done, state.count, (performance.now() - started) / 1000);
    });
    finish(state, started);
  } catch (error) {
    if (error.name === "AbortError") {
      if (page.running === abort) {
        find("#status").textContent = `Stopped after ${shown} of ${state.count}.`;
        say(find("#status").textContent);
        grid.trim();
      }
    } else {
      find("#status").textContent = "No samples.";
      grid.trim();
      showProblem(find("#problem"), error, run);
      showSheet(grid, state.model);
    }
  } finally {
    clearTimeout(sheet);
    if (page.running === abort) setRunning(false);
  }
}

function finish(state, started) {
  const seconds = (performance.now() - started) / 1000;
  put(
    find("#status"),
    el("strong.mono", {}, page.served.model),
    ` · seed ${state.seed} · ${describeRate(state.count, state.count, seconds)}`,
  );
  say(`${state.count} samples in ${formatSeconds(seconds)}.`);
  document.documentElement.dataset.firstGrid ??= String(Math.round(performance.now()));
  walk.refresh();
}

function describeRate(done, all, seconds) {
  const rate = formatNumber(Math.round(done / Math.max(seconds, 0.001)));
  return `${done === all ? all : `${done} of ${all}`} in ${formatSeconds(seconds)} · ${rate} images/s`;
}

function say(text) {
  find("#said").textContent = text;
}

function setRunning(isRunning) {
  find("#stop").disabled = !isRunning;
  find("#grid").setAttribute("aria-busy", String(isRunning));
  for (const id of ["#download", "#link", "#again"]) find(id).disabled = isRunning;
}

function drawScales(number, { width }) {
  const now = page.scale ?? fitScale(number, width);
  put(
    find("#scale"),
    [1, 2, 3, 4].map((scale) =>
      el("button.segment.small", { type: "button", "aria-pressed": String(scale === now), "aria-label": `${scale} times`, on: { click: () => setScale(scale) } }, `${scale}×`),
    ),
  );
}

function setScale(scale) {
  page.scale = scale;
  grid.setScale(scale);
  drawScales(page.state.count, imageSize());
  find(`#scale [aria-pressed="true"]`).focus();
}

// What is done with a grid

function describe(sample) {
  const { model, seed, truncation: factor, preset, isAny } = page.served;
  const [name, version] = model.split("@");
  const path = samplePath({ model: name, version, seed, index: sample.index, classLabel: isAny ? null : sample.class_label, truncation: factor, preset });
  return { model, seed, path };
}

function choose(sample) {
  openView({
    samples: grid.samples,
    place: grid.samples.indexOf(sample),
    size: grid.size,
    describe,
    onWalk: (end, one) => walk.aim(end, { seed: page.served.seed, index: one.index, classLabel: one.class_label }),
    onClose: (place) => grid.focus(place),
  });
}

find("#form").addEventListener("submit", (event) => {
  event.preventDefault();
  const next = readForm();
  if (!next) return find("#seed").focus();
  go(next);
  if (matchMedia("(max-width: 61.99rem)").matches) find("#grid-title").scrollIntoView();
});
find("#stop").addEventListener("click", () => page.running?.abort());
find("#download").addEventListener("click", () => download(page.state));
find("#again").addEventListener("click", () => {
  if (page.served) compareAgain({ ...page.state, model: page.served.model }, grid.samples);
});
find("#link").addEventListener("click", () => copyText(address(`/generate${writeState(page.state)}`), "Link copied"));
find("#format").addEventListener("change", () => page.state && showCopies(find("#copies"), describeSamples(page.state, find("#format").value)));
document.addEventListener("fount:key", start);
addEventListener("popstate", restore);
start();
