// The generator page: a form, a grid that fills as it streams, and an address that holds it all.

import { address, getFile, getJson, loadImage, readSeed, request, samplePath } from "./api.js";
import { showCopies } from "./copy.js";
import { copyText, el, find, formatNumber, formatSeconds, put, saveBlob, tie, toast } from "./dom.js";
import { buildBody, describeSamples, FORMATS, readState, writeState } from "./generate-state.js";
import { fillGrid, fitScale, Grid } from "./generate-grid.js";
import { openView } from "./generate-view.js";
import { Walk } from "./generate-walk.js";
import { listModels, showProblem } from "./shell.js";

const AT_ONCE = 256; // more are asked for with the button only
const DEFAULTS = { count: 64, seed: 42n, truncation: 1, preset: "", classes: [] };
const PATIENCE_MS = 400; // until the contact sheet is shown in the meantime

const page = { models: [], presets: [], state: null, running: null, served: null, scale: null };
const count = tie(find("#count-range"), find("#count"));
const truncation = tie(find("#truncation-range"), find("#truncation"));
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
  fillModels();
  getJson("/v1/augmentations/presets").then(fillPresets, () => {});
  restore();
  foldMore();
}

/** On a narrow screen the grid comes before what is seldom changed. */
function foldMore() {
  const isDefault = page.state.truncation === 1 && !page.state.preset;
  find("#more").open = !isDefault || !matchMedia("(max-width: 61.99rem)").matches;
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

// The form

function fillModels() {
  const options = page.models.map((model) =>
    el(
      "optgroup",
      { label: model.name },
      [...model.versions].sort((one, other) => other.version - one.version).map(({ version, state }) => {
        const aliases = Object.entries(model.aliases).filter(([, target]) => target === version).map(([alias]) => alias);
        const notes = [...aliases, ...(state === "ready" ? [] : [state])];
        return el("option", { value: `${model.name}@${version}`, disabled: state === "failed" }, `${model.name}@${version}${notes.length ? ` (${notes.join(", ")})` : ""}`);
      }),
      Object.entries(model.aliases).map(([alias, target]) => el("option", { value: `${model.name}@${alias}` }, `${model.name}@${alias}, wherever it points (now ${target})`)),
    ),
  );
  put(find("#model"), options);
  find("#model").disabled = false;
}

function fillPresets({ presets }) {
  page.presets = presets.filter((one) => one.name !== "identity");
  put(find("#preset"), el("option", { value: "" }, "Not at all"), page.presets.map((one) => el("option", { value: one.name }, one.name)));
  if (page.state) find("#preset").value = page.state.preset;
  describePreset();
}

function describePreset() {
  const chosen = page.presets.find((one) => one.name === find("#preset").value);
  find("#preset-hint").textContent = chosen?.description ?? "Moves and lights each sample by draws of its own seed.";
}

function fillClasses(model) {
  const names = model.class_names;
  find("#class-row").hidden = !names.length;
  if (find("#classes").dataset.of === model.name) return;
  find("#classes").dataset.of = model.name;
  find("#classes").classList.toggle("even", names.every((name) => name.length <= 2));
  walk.setClasses(names);
  put(find("#classes"), names.map((name) => el("button.segment", { type: "button", "aria-pressed": "false", data: { name }, on: { click: toggleClass } }, name)));
}

function toggleClass(event) {
  const button = event.currentTarget;
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  describeClasses();
  changed();
}

function readClasses() {
  return [...find("#classes").querySelectorAll('[aria-pressed="true"]')].map((one) => one.dataset.name);
}

function describeClasses() {
  const chosen = readClasses().length;
  const texts = ["None chosen: each sample draws its own.", "All samples are of this class."];
  find("#classes-hint").textContent = texts[chosen] ?? "In equal numbers, class by class.";
}

function writeForm() {
  const { state } = page;
  const model = currentModel();
  find("#model").value = state.model;
  const { image, class_names: names } = model;
  find("#model-facts").textContent = `${image ? `${image.width} × ${image.height} ${image.channels === 1 ? "grey" : "colour"}` : ""}${names.length ? `, ${names.length} classes` : ", no classes"}`;
  fillClasses(model);
  for (const button of find("#classes").children) button.setAttribute("aria-pressed", String(state.classes.includes(button.dataset.name)));
  describeClasses();
  count.set(state.count);
  truncation.set(state.truncation);
  find("#seed").value = String(state.seed);
  showSeedError(false);
  find("#preset").value = state.preset;
  describePreset();
}

function showSeedError(isWrong) {
  find("#seed-error").hidden = !isWrong;
  if (isWrong) find("#seed").setAttribute("aria-invalid", "true");
  else find("#seed").removeAttribute("aria-invalid");
}

/** Read the form; null if it cannot be meant so. */
function readForm() {
  const seed = readSeed(find("#seed").value);
  showSeedError(seed === null);
  if (seed === null) return null;
  return { ...page.state, model: find("#model").value, count: Math.round(count.get()), seed, truncation: truncation.get(), preset: find("#preset").value, classes: readClasses() };
}

/** Something was chosen: show it at once if that is cheap. */
function changed() {
  const next = page.state && readForm();
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
  const sheet = setTimeout(() => showSheet(state), PATIENCE_MS);
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
      hideSheet(sheet);
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
      showSheet(state);
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

/** Until the first samples come: the sheet that was published with the version. */
async function showSheet(state) {
  if (grid.samples.length || find("#grid").previousElementSibling.matches(".meanwhile")) return;
  const [name, selector] = state.model.split("@");
  try {
    const url = await loadImage(`/v1/models/${name}/versions/${selector}/grid.png`);
    if (grid.samples.length) return;
    find("#grid").before(el("figure.meanwhile", {}, el("img", { src: url, alt: `Contact sheet of ${state.model}` }), el("figcaption.hint", {}, "Until samples come: the contact sheet that was published with this version.")));
    find("#grid").hidden = true;
  } catch {
    // There is none; the empty places stay.
  }
}

function hideSheet(timer) {
  clearTimeout(timer);
  document.querySelector(".meanwhile")?.remove();
  find("#grid").hidden = false;
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

async function download() {
  const format = find("#format").value;
  const button = find("#download");
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    const { blob, name } = await getFile("/v1/samples", { json: buildBody(page.state, format) });
    saveBlob(blob, name ?? `samples.${format === "grid" ? "png" : format}`);
    toast(`${formatNumber(blob.size / 1000, 3)} kB saved`, "good");
  } catch (error) {
    toast(error.lines?.join(" ") ?? error.message, "bad");
  }
  button.disabled = false;
  button.textContent = "Download";
}

/** Ask for the same samples once more, and compare every file. */
async function compareAgain() {
  const before = grid.samples.map((one) => one.png);
  const node = find("#verdict");
  find("#again").disabled = true;
  node.textContent = "Asking again…";
  try {
    const text = await (await request("/v1/samples", { json: buildBody({ ...page.state, model: page.served.model }, "jsonl") })).text();
    const after = text.trim().split("\n").map((line) => JSON.parse(line).png);
    const same = after.filter((png, place) => png === before[place]).length;
    const isSame = same === before.length && after.length === before.length;
    put(node, el(`span.dot.${isSame ? "good" : "bad"}`, { "aria-hidden": "true" }), isSame ? `Asked again: all ${same} files are the same, byte for byte.` : `Asked again: ${same} of ${before.length} files are the same. Another build or device computed them.`);
  } catch (error) {
    node.textContent = error.lines?.join(" ") ?? error.message;
  }
  find("#again").disabled = false;
}

function dice() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  find("#seed").value = String(((BigInt(high) << 32n) | BigInt(low)) % 1_000_000_000n);
  changed();
}

find("#form").addEventListener("submit", (event) => {
  event.preventDefault();
  const next = page.state && readForm();
  if (!next) return find("#seed").focus();
  go(next);
  if (matchMedia("(max-width: 61.99rem)").matches) find("#grid-title").scrollIntoView();
});
find("#form").addEventListener("change", changed);
find("#dice").addEventListener("click", dice);
find("#stop").addEventListener("click", () => page.running?.abort());
find("#download").addEventListener("click", download);
find("#again").addEventListener("click", compareAgain);
find("#link").addEventListener("click", () => copyText(address(`/generate${writeState(page.state)}`), "Link copied"));
find("#format").addEventListener("change", () => page.state && showCopies(find("#copies"), describeSamples(page.state, find("#format").value)));
document.addEventListener("fount:key", start);
addEventListener("popstate", restore);
start();
