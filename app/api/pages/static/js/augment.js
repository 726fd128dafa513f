// The playground: images, a policy as steps, and a preview that follows every change.

import { address, getJson, namePointer, readSeed } from "./api.js";
import { drawCopy, writeUrl } from "./augment-copy.js";
import { Editor } from "./augment-editor.js";
import { Preview } from "./augment-grid.js";
import { isPolicy, readSteps, walkSteps, writeSteps } from "./augment-policy.js";
import { drawReading, listenForFiles, Sources } from "./augment-sources.js";
import {
  buildRequest, DEFAULTS, describeCopies, FILES, MAX_OUTPUTS, readState, writeForm, writeState,
} from "./augment-state.js";
import { Steps } from "./augment-steps.js";
import { compareAll, saveAll } from "./augment-take.js";
import { showCopies } from "./copy.js";
import { copyText, el, find, formatSeconds, put, saveBlob, tie, toast } from "./dom.js";
import { listModels, showProblem } from "./shell.js";

const PAUSE_MS = 150; // after the last change, before the preview is asked for
const PATIENCE_MS = 250; // until the page says that it waits
const FIRST_PRESET = "strong";
const MAX_COPIES = 32;
const LARGE_PIXELS = 5e5; // photos from here on are shown as JPEG, as they came

const page = { state: { ...DEFAULTS }, presets: [], models: [], shown: null, running: null, timer: null, isReady: false, isStarting: false };
const copies = tie(find("#copies-range"), find("#copies"), () => changed());
const steps = new Steps(find("#steps"), { onChange: changed, say, getImage: () => sources.images[0] ?? null });
const editor = new Editor(find("#json"), find("#json-errors"), takeDocument);
const preview = new Preview(find("#grid"), (output) => drawCopy(find("#copy"), page.shown, output));
const sources = new Sources(find("#sources"), { onChange: changedImages, onProblem: showSourceProblem, say });

async function start() {
  if (page.isStarting) return;
  page.isStarting = true;
  try {
    const [models, { operations }, { presets }] = await Promise.all([
      listModels(),
      getJson("/v1/augmentations/operations"),
      getJson("/v1/augmentations/presets"),
    ]);
    Object.assign(page, { models: models.filter((one) => one.default_version !== null), presets });
    steps.setCatalog(operations);
  } catch (error) {
    return showProblem(find("#problem"), error, start);
  } finally {
    page.isStarting = false;
  }
  put(find("#problem"));
  fillChoices();
  await restore({ withImages: true });
}

function fillChoices() {
  put(find("#files"), FILES.map(([name, label]) => el("option", { value: name }, label)));
  put(find("#preset"), el("option", { value: "" }, "My own"), page.presets.map(({ name }) => el("option", { value: name }, name)));
  put(find("#model"), page.models.map(({ name, default_version: version }) => el("option", { value: `${name}@${version}` }, name)));
  find("#preset").disabled = false;
  for (const id of ["#model", "#take"]) find(id).disabled = !page.models.length;
  if (pickModel()) find("#model").value = `${pickModel().name}@${pickModel().default_version}`;
}

/** Colour shows more of what operations do. */
function pickModel() {
  return page.models.find((one) => one.image?.channels === 3) ?? page.models[0];
}

/** Show what the address says. */
async function restore({ withImages = false } = {}) {
  const read = readState(new URLSearchParams(location.search));
  const preset = page.presets.find(({ name }) => name === read.preset);
  if (read.preset && !preset) toast(`There is no preset ${read.preset} here.`, "bad");
  const first = page.presets.find(({ name }) => name === FIRST_PRESET) ?? page.presets[0];
  page.isReady = false;
  page.state = { ...DEFAULTS, ...read };
  steps.set(preset || !read.policy ? readSteps((preset ?? first)?.policy.ops ?? []) : readSteps(read.policy.ops, { marks: true }));
  find("#seed").value = String(page.state.seed);
  find("#files").value = page.state.files;
  drawReading(find("#reading-fields"), page.state.input, (input) => {
    page.state.input = input;
    changed();
  });
  const number = page.state.copies;
  if (withImages) await takeImages(read.images);
  limitCopies();
  copies.set(number);
  find("#steps").setAttribute("aria-busy", "false");
  page.isReady = true;
  changed();
}

async function takeImages(samples) {
  const model = pickModel();
  const own = model && { model: model.name, version: model.default_version, seed: 42n, index: 0n };
  try {
    for (const sample of samples) await sources.addSample(sample);
    if (!samples.length && own && !sources.images.length) await sources.addSample(own, { isOwn: true });
  } catch (error) {
    showSourceProblem(error, "The sample");
  }
}

// The policy

/** The policy as it is sent: by the name of a preset that it is, else step by step. */
function readPolicy() {
  const ops = writeSteps(steps.steps, steps.catalog);
  const text = JSON.stringify(ops);
  const isAll = [...walkSteps(steps.steps)].every(({ step }) => !step.isOff);
  const same = page.presets.filter(({ policy }) => JSON.stringify(writeSteps(readSteps(policy.ops), steps.catalog)) === text);
  const preset = isAll ? (same.find(({ name }) => name === find("#preset").value) ?? same[0]) : null;
  return { ops, preset: preset?.name ?? null };
}

function takePreset(name) {
  const preset = page.presets.find((one) => one.name === name);
  if (!preset) return;
  history.pushState(null, "", location.href);
  steps.set(readSteps(preset.policy.ops));
  say(`${name}: ${steps.steps.length} steps.`);
  changed();
}

/** Take what was typed as JSON: a policy, a preset, or a whole request with either. */
function takeDocument(given) {
  const { policy = given, seed, copies: number } = given ?? {};
  const preset = page.presets.find(({ name }) => name === policy?.preset && Object.keys(policy).length === 1);
  if (!preset && !isPolicy(policy)) return explain(policy);
  steps.set(readSteps(preset ? preset.policy.ops : policy.ops));
  if (readSeed(seed) !== null) find("#seed").value = String(seed);
  if (Number.isInteger(number)) copies.set(number);
  changed();
}

/** What can be no steps: have the service say why. */
async function explain(policy) {
  stop();
  try {
    await getJson("/v1/augmentations/plan", { json: { policy } });
  } catch (error) {
    const errors = error.errors?.length ? error.errors : [{ pointer: "/policy", detail: error.message }];
    editor.showErrors(errors.map(({ pointer, detail }) => ({ pointer: pointer.replace(/^\/policy/, ""), detail })));
  }
}

// The preview

function changedImages() {
  put(find("#source-problem"));
  limitCopies();
  const isPhoto = ({ file, width, height }) => file.type === "image/jpeg" && width * height > LARGE_PIXELS;
  if (find("#files").value === "png" && sources.images.some(isPhoto)) {
    find("#files").value = "jpeg";
    say("Copies are JPEG files now, as the photo is.");
  }
  if (page.isReady) changed();
}

function limitCopies() {
  const most = Math.max(1, Math.min(MAX_COPIES, Math.floor(MAX_OUTPUTS / Math.max(1, sources.images.length))));
  for (const id of ["#copies", "#copies-range"]) find(id).max = String(most);
  copies.set(copies.get());
}

function stop() {
  clearTimeout(page.timer);
  page.running?.abort();
}

/** Something is otherwise: soon ask anew. */
function changed() {
  if (!page.isReady) return;
  stop();
  const { ops, preset } = readPolicy();
  editor.write({ ops });
  find("#preset").value = preset ?? "";
  find("#preset-hint").textContent = page.presets.find(({ name }) => name === preset)?.description ?? "Changed from here on; choosing a preset starts anew.";
  const seed = readSeed(find("#seed").value);
  find("#seed-error").hidden = seed !== null;
  find("#seed").removeAttribute("aria-invalid");
  if (seed === null) return find("#seed").setAttribute("aria-invalid", "true");
  Object.assign(page.state, { seed, copies: Math.round(copies.get()), files: find("#files").value, preset });
  const sent = preset ? { preset } : { ops };
  keepAddress();
  showCopies(find("#code"), describeCopies(page.state, sent, sources.images));
  page.timer = setTimeout(() => run({ ...page.state }, sent), PAUSE_MS);
}

function keepAddress() {
  const images = sources.images.filter(({ sample, isOwn }) => sample && !isOwn).map(({ sample }) => sample);
  const policy = { ops: writeSteps(steps.steps, steps.catalog, { marks: true }) };
  const { query, isWhole } = writeState({ ...page.state, policy, images });
  history.replaceState(null, "", query);
  page.isWhole = isWhole;
}

async function run(state, sent) {
  const abort = (page.running = new AbortController());
  const images = [...sources.images];
  const started = performance.now();
  const waiting = setTimeout(() => setBusy(true, "Computing…"), PATIENCE_MS);
  const onWait = (seconds) => setBusy(true, `The service is busy; asking again in ${seconds} s.`);
  try {
    const answer = images.length
      ? await getJson("/v1/augmentations", { form: writeForm(images, buildRequest(state, sent, "json")), signal: abort.signal, onWait })
      : await getJson("/v1/augmentations/plan", { json: { policy: sent, seed: state.seed }, signal: abort.signal, onWait });
    steps.clearErrors();
    put(find("#problem"));
    show(images, state, answer, (performance.now() - started) / 1000);
  } catch (error) {
    if (error.name !== "AbortError") showFault(error);
  } finally {
    clearTimeout(waiting);
    if (page.running === abort) setBusy(false);
  }
}

function setBusy(isBusy, text) {
  find("#grid").setAttribute("aria-busy", String(isBusy));
  if (text) find("#status").textContent = text;
}

function show(images, state, answer, seconds) {
  const hasImages = images.length > 0;
  const outputs = hasImages ? answer.outputs.map((one) => ({ ...one, url: writeUrl(one.file, state.files) })) : [];
  page.shown = { images, state, outputs };
  put(find("#verdict"));
  preview.show(images, outputs);
  for (const id of ["#download", "#replay-all"]) find(id).disabled = !hasImages;
  for (const id of ["#grid-hint", "#copy"]) find(id).hidden = !hasImages;
  put(find("#peek"), outputs.slice(0, 8).map(({ url }) => el("img.pixels", { src: url, alt: "" })));
  if (hasImages) {
    drawCopy(find("#copy"), page.shown, preview.output);
    const text = `${outputs.length} ${outputs.length === 1 ? "copy" : "copies"} in ${formatSeconds(seconds)}`;
    put(find("#status"), text, ` · seed ${state.seed} · policy `, el("code", { title: answer.policy_sha256 }, answer.policy_sha256.slice(0, 12)));
    say(`${text}.`);
  } else {
    put(find("#grid"), el("div.empty", {}, el("p", {}, el("strong", {}, "No image yet")), el("p", {}, "Drop one on this page, or add a sample. The policy itself is valid.")));
    find("#status").textContent = "Nothing to show.";
  }
}

/** What is wrong is said at the step and field that it is about, at the line of the JSON, and here. */
function showFault(error) {
  const errors = (error.errors ?? []).map(({ pointer, detail }) => ({ pointer, detail, rest: pointer?.replace(/^(\/request)?\/policy/, "") }));
  const ofPolicy = errors.filter(({ pointer, rest }) => rest !== pointer).map(({ rest, detail }) => ({ pointer: rest, detail }));
  steps.showErrors(ofPolicy);
  editor.showErrors(ofPolicy);
  find("#status").textContent = page.shown ? "Not computed. Below is what was valid last." : "Not computed.";
  const lines = errors.length ? errors.map(({ pointer, rest, detail }) => `${rest === pointer ? namePointer(pointer) : steps.name(rest)}: ${detail}`) : error.lines;
  const isPassing = error.status === undefined || error.status >= 500 || error.status === 0;
  showProblem(find("#problem"), { title: error.title, lines: lines ?? [error.message], page: error.page, requestId: error.requestId }, isPassing ? changed : null);
  const wrong = find("#steps").querySelector('[aria-invalid="true"], [data-wrong] .step-name');
  if (wrong) find("#problem .notice").append(el("p", {}, el("button.button.small", { type: "button", on: { click: () => wrong.focus() } }, "Go to the field")));
}

function showSourceProblem(error, name) {
  showProblem(find("#source-problem"), error);
  find("#source-problem .notice").prepend(el("p", {}, name));
}

function say(text) {
  find("#said").textContent = text;
}

// What is done with a preview

function download() {
  const { ops, preset } = readPolicy();
  return saveAll(find("#download"), page.shown.images, buildRequest(page.state, preset ? { preset } : { ops }, "zip"));
}

function copyLink() {
  const uploads = sources.images.filter(({ sample }) => !sample).length;
  const left = [uploads && "your images", !page.isWhole && "the policy, which is too long; copy it as JSON"].filter(Boolean);
  copyText(address(`/augment${location.search}`), left.length ? `Link copied, without ${left.join(" and ")}.` : "Link copied");
}

function dice() {
  find("#seed").value = String(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000_000);
  changed();
}

listenForFiles({
  drop: find("#drop"), pick: find("#pick"), input: find("#file"), onFiles: (files) => sources.addFiles(files),
});
find("#form").addEventListener("submit", (event) => event.preventDefault());
find("#take").addEventListener("click", () => {
  const [model, version] = find("#model").value.split("@");
  sources.addAnySample({ model, version: Number(version) }).catch((error) => showSourceProblem(error, model));
});
find("#preset").addEventListener("change", ({ target }) => takePreset(target.value));
find("#seed").addEventListener("input", changed);
find("#files").addEventListener("change", changed);
find("#dice").addEventListener("click", dice);
find("#download").addEventListener("click", download);
find("#replay-all").addEventListener("click", () => compareAll(find("#replay-all"), find("#verdict"), page.shown));
find("#link").addEventListener("click", copyLink);
find("#json-copy").addEventListener("click", () => copyText(find("#json").value, "JSON copied"));
find("#json-save").addEventListener("click", () => saveBlob(new Blob([`${find("#json").value}\n`], { type: "application/json" }), "policy.json"));
document.addEventListener("fount:key", start);
addEventListener("popstate", () => page.models.length && restore());
start();
