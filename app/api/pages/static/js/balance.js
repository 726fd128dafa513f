// The balance wizard: counts, a plan, and its delivery.

import { getJson, getKey, readSeed } from "./api.js";
import { countPaths, listEntries, plural, readFile, writeCounts } from "./balance-counts.js";
import { download, formatBytes, FORMATS, showCode, showDataset } from "./balance-delivery.js";
import { drawPlan, makePlan } from "./balance-plan.js";
import { buildBlock, chooseTo, keepState, readHave, readState, shorten, state } from "./balance-state.js";
import { el, find, put } from "./dom.js";
import { recordOf } from "./figures.js";
import { listModels, showProblem } from "./shell.js";
import { drawChoices, fillVersions, findReference, getDetail, nameVersion } from "./versions.js";

const CHOICES = [["max", "The largest"], ["number", "A number"], ["factor", "A multiple"]];

let plan = null;
let running = null;

async function start() {
  try {
    const models = await listModels();
    state.models = models.filter((model) => model.class_names.length && model.versions.length);
    if (!state.models.length) return put(
      find("#plan"),
      el(
        "p.empty",
        {},
        models.length ? "No model of this service has classes, so there is nothing to balance by." : "This service has no models yet.",
      ),
    );
    readState(new URLSearchParams(location.search));
    fillVersions(find("#version"), state.models, state.chosen);
    find("#counts").value = state.text;
    showForm();
    await show();
    state.limit = (await getJson("/v1")).answers.samples_per_request;
    await show();
  } catch (error) {
    showProblem(find("#problem"), error, start);
  }
}

function showForm() {
  drawChoices(find("#to"), CHOICES, state.to, (to) => {
    state.to = to;
    showTo();
    show();
  });
  put(find("#format"), FORMATS.map(([value, label]) => el("option", { value }, label)));
  find("#to-number").value = String(state.number);
  find("#to-factor").value = String(state.factor);
  find("#all").checked = state.all;
  find("#seed").value = String(state.seed);
  showTo();
}

function showTo() {
  find("#to-number-row").hidden = state.to !== "number";
  find("#to-factor-row").hidden = state.to !== "factor";
}

async function show() {
  if (!state.chosen) return;
  keepState();
  const { have, how, problems } = readHave();
  find("#version-hint").textContent = `${plural(state.chosen.model.class_names.length, "class", "classes")}: ${shorten(state.chosen.model.class_names)}`;
  find("#counts-read").textContent = how;
  put(find("#counts-problems"), problems.map((problem) => el("p.error-text", {}, problem)));
  find("#counts").setAttribute("aria-invalid", String(problems.length > 0));
  const host = find("#plan");
  const largest = Math.max(0, ...have.values());
  if (!have.size || (largest === 0 && state.to !== "number")) {
    plan = null;
    find("#deliveries").hidden = true;
    return put(host, drawEmpty(have.size > 0));
  }
  const { chosen } = state;
  const detail = await getDetail(chosen);
  if (chosen !== state.chosen) return;
  plan = { ...makePlan(have, chooseTo(have)), have };
  put(
    host,
    drawPlan(plan, { reference: nameVersion(chosen), agreement: recordOf(detail)?.per_class?.label_agreement ?? null }),
  );
  showDelivery();
}

function drawEmpty(allZero) {
  const text = allZero
    ? "There is no image of any class: choose a number to bring them to."
    : "Type, paste or drop how many images of each class you have; the plan appears here as you type.";
  return el(
    "div.empty",
    {},
    el("p", {}, text),
    el("p", {}, el("button.button", { type: "button", on: { click: setExample } }, "Show me an example")),
  );
}

function showDelivery() {
  find("#deliveries").hidden = plan.total === 0;
  put(find("#dataset"));
  if (!plan.total) return;
  const isLarge = state.limit !== null && plan.total > state.limit;
  find("#download").disabled = isLarge;
  const limit = `One answer holds at most ${plural(state.limit ?? 0, "image", "images")}: take a dataset, shard by shard.`;
  if (!running) find("#download-status").textContent = isLarge ? limit : "";
  showCode({ copies: find("#copies"), training: find("#training") }, buildBody(), plan);
}

function buildBody() {
  return { ...buildBlock(plan), format: find("#format").value };
}

function setText(text, how = "") {
  Object.assign(state, { text, how });
  find("#counts").value = text;
  show();
}

function setExample() {
  const names = state.chosen.model.class_names.slice(0, 10);
  const have = names.map((name, place) => [name, [1000, 940, 1010, 980, 960, 870, 930, 1040, 60, 120][place] ?? 500]);
  setText(writeCounts(new Map(have)));
}

function take({ counts, how, problems }) {
  setText(counts.size ? writeCounts(counts) : state.text, how);
  if (problems.length) put(
    find("#counts-problems"),
    problems.map((problem) => el("p.error-text", { role: "alert" }, problem)),
  );
}

async function takeDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const text = transfer.getData("text/plain");
  if (entries.some((entry) => entry.isDirectory)) take(countPaths(await listEntries(entries)));
  else if (transfer.files.length) take(await readFile(transfer.files[0]));
  else if (text) setText(text);
}

async function startDownload() {
  const status = find("#download-status");
  running = new AbortController();
  find("#stop").hidden = false;
  find("#download").disabled = true;
  put(find("#download-problem"));
  status.textContent = "computing…";
  try {
    const { name, bytes } = await download(buildBody(), {
      signal: running.signal,
      onBytes: (sum) => (status.textContent = `${formatBytes(sum)} so far`),
      onWait: (seconds) => (status.textContent = `busy; again in ${Math.ceil(seconds)} s`),
    });
    status.textContent = `${name} is saved: ${plural(plan.total, "image", "images")}, ${formatBytes(bytes)}.`;
  } catch (error) {
    status.textContent = error.name === "AbortError" ? "Stopped." : "";
    if (error.name !== "AbortError") showProblem(find("#download-problem"), error, startDownload);
  }
  running = null;
  find("#stop").hidden = true;
  find("#download").disabled = false;
}

async function startDataset(event) {
  event.preventDefault();
  const host = find("#dataset");
  put(host, el("p.hint", {}, "…"));
  try {
    await showDataset(
      host,
      buildBlock(plan),
      { shardSize: Number(find("#shard-size").value) || 1000, format: find("#shard-format").value },
    );
  } catch (error) {
    showProblem(host, error);
  }
}

function listen() {
  const counts = find("#counts");
  counts.addEventListener("input", () => {
    Object.assign(state, { text: counts.value, how: "" });
    show();
  });
  const drop = find("#drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.toggleAttribute("data-over", true);
  });
  drop.addEventListener("dragleave", () => drop.removeAttribute("data-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.removeAttribute("data-over");
    takeDrop(event.dataTransfer);
  });
  find("#pick-file").addEventListener("click", () => find("#file").click());
  find("#pick-folder").addEventListener("click", () => find("#folder").click());
  find("#file").addEventListener(
    "change",
    async ({ target }) => target.files.length && take(await readFile(target.files[0])),
  );
  find("#folder").addEventListener(
    "change",
    ({ target }) => take(countPaths([...target.files].map((file) => file.webkitRelativePath))),
  );
  find("#example").addEventListener("click", setExample);
  find("#version").addEventListener("change", ({ target }) => {
    state.chosen = findReference(state.models, target.value);
    show();
  });
  find("#to-number").addEventListener("input", ({ target }) => takeNumber(target, "number", Math.round));
  find("#to-factor").addEventListener("input", ({ target }) => takeNumber(target, "factor", (value) => value));
  find("#all").addEventListener("change", ({ target }) => {
    state.all = target.checked;
    show();
  });
  find("#seed").addEventListener("input", checkSeed);
  find("#dice").addEventListener("click", () => {
    find("#seed").value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
    checkSeed();
  });
  find("#form").addEventListener("submit", (event) => event.preventDefault());
  find("#format").addEventListener("change", () => plan && showDelivery());
  find("#download").addEventListener("click", startDownload);
  find("#stop").addEventListener("click", () => running?.abort());
  find("#dataset-form").addEventListener("submit", startDataset);
}

function takeNumber(input, name, shape) {
  const value = Number(input.value);
  const isGood = input.value !== "" && value >= Number(input.min) && value <= Number(input.max);
  input.setAttribute("aria-invalid", String(!isGood));
  if (!isGood) return;
  state[name] = shape(value);
  show();
}

function checkSeed() {
  const seed = readSeed(find("#seed").value);
  find("#seed").setAttribute("aria-invalid", String(seed === null));
  find("#seed-error").hidden = seed !== null;
  if (seed === null) return;
  state.seed = seed;
  show();
}

listen();
document.addEventListener("fount:key", () => {
  if (getKey() && !state.chosen) start();
});
start();
